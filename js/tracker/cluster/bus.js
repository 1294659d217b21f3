/**
 * The contract of a bus between the nodes of a cluster: a directory of the node that runs each channel, the list of living nodes,
 * and messages between nodes. redis-bus.js and worker-bus.js implement it.
 *
 * A node is a process with a unique name: a process that is restarted on the same machine has another name.
 */

/**
 * @typedef {object} BusEvents
 * @property {(from: string, message: import('./links.js').Batch) => void} message
 * @property {(others: ReadonlySet<string>) => void} members called with the other living nodes when they change, and possibly
 *   more often. All nodes that own a channel named in an earlier claim() are among them.
 * @property {(from: string) => void} unreadable a message of a node could not be read
 * @property {() => void} up called when claims and messages begin to work
 * @property {() => void} down called when they stop working; other nodes take this node for dead, or soon will
 * @property {() => void} gap called while up: messages may have been lost, and other nodes may own channels of this node
 */

/**
 * @typedef {object} Bus
 * @property {string} name of this node
 * @property {number} leaseMs the silence after which a node counts as dead
 * @property {boolean} [authentic] true: only nodes of this cluster can write messages
 * @property {Record<'unreadable' | 'forged' | 'refused' | 'reconnects' | 'deaf', number>} [counters]
 * @property {(address: string) => string} [mask] returns what other nodes are told in place of an address
 * @property {boolean} endsAsOne true if all nodes end together, as the workers of one machine do. A node that ends then hands its
 *   channels to nobody, since no node is left to take them.
 * @property {(events: BusEvents) => Promise<void>} start resolves when the bus is up, or after a time limit; it goes on trying
 *   after that
 * @property {(channels: string[]) => Promise<string[]>} claim makes this node the owner of those channels that no living node
 *   owns, and renews those that it owns. Resolves with the owner of each. Rejects if the owners cannot be determined now.
 * @property {(channels: string[]) => Promise<void>} unclaim gives up those of the channels that this node owns. Resolves when
 *   other nodes may claim them, or when it cannot be determined.
 * @property {(to: string, message: import('./links.js').Batch) => void} post sends a message to a node. Messages arrive in order,
 *   and may be lost: see `gap`.
 * @property {() => Promise<void>} stop removes this node from the list of living nodes. Example: with a lease of 5 s, other nodes
 *   can claim its channels immediately, and not only after 5 s without a sign of life.
 */

/** The time between two renewals of an owner's channels. A claim expires after three times as long. */
export const RENEW_MS = 20_000;
export const CLAIM_TTL_MS = 3 * RENEW_MS;
