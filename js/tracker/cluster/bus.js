/**
 * What the processes of a cluster have in common: a directory of who runs which channel, the list of those that are alive, and
 * messages from one to another. redis-bus.js and worker-bus.js are the two there are.
 *
 * A node is a process with a name that no other ever has, not even the same machine's next process.
 */

/**
 * @typedef {object} BusEvents
 * @property {(from: string, message: import('./links.js').Batch) => void} message
 * @property {(others: ReadonlySet<string>) => void} members the other nodes that are alive, those among them that own
 *   any channel that was claimed before; whenever they change or more often
 * @property {() => void} up claims and messages work
 * @property {() => void} down they do not, and this node is taken for dead, or will be
 * @property {() => void} gap while up: messages may have been lost, and others may have taken channels of this node
 */

/**
 * @typedef {object} Bus
 * @property {string} name of this node
 * @property {boolean} endsAsOne when one node is told to end, all others are: nobody is left to take over
 * @property {(events: BusEvents) => Promise<void>} start resolves when up, or when it has tried long enough for now
 * @property {(channels: string[]) => Promise<string[]>} claim makes this node the owner of those that no living node owns, and
 *   renews those it owns; the owner of each. Rejects when that cannot be told now.
 * @property {(channels: string[]) => Promise<void>} unclaim gives up what it owns of them. Resolves when others may have them, and
 *   when that cannot be told.
 * @property {(to: string, message: import('./links.js').Batch) => void} post in order; may be lost, see `gap`
 * @property {() => Promise<void>} stop others need not wait to find this node dead
 */

/** How often an owner renews its channels; a claim is good for three times as long. */
export const RENEW_MS = 20_000;
export const CLAIM_TTL_MS = 3 * RENEW_MS;
