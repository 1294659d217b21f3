/** The line below the state of sharing: what is going on with other viewers, and what to do next. */

/**
 * @typedef {object} Situation
 * @property {boolean} streamFailed
 * @property {boolean} over sharing has ended for good
 * @property {'good' | 'wait' | 'warn' | 'bad'} tone of the state of the tracker
 * @property {number} peers connected ones
 * @property {number} parents
 * @property {number} children
 * @property {number} missed segments in a row that came from the CDN although there was a parent
 * @property {boolean} gives it has uploaded some since the segment before the last one
 * @property {boolean} met it has been connected with another viewer
 */

/** After so many segments in a row a parent has nothing that is needed. */
const MANY_MISSED = 3;

const LEAVES = 'Another viewer takes segments from here. Its window shows them arrive.';
const SIDE_BY_SIDE = 'Players in hidden tabs stop: put the windows side by side.';

/**
 * @param {Situation} situation
 * @returns {string}
 */
export function nextStep(situation) {
  const { streamFailed, over, tone, peers, parents, children, missed, gives, met } = situation;
  if (streamFailed) return 'Once the stream plays, viewers share it with each other.';
  if (over) return 'Sharing is off for this viewer. Other viewers are not affected.';
  if (peers === 0) {
    if (tone === 'wait') return 'Looking for other viewers.';
    if (tone === 'warn') return 'Other viewers are found again once the tracker answers.';
    return met
      ? `No other viewer plays what is played here. ${SIDE_BY_SIDE}`
      : 'You are the only viewer. Open another viewer to see segments flow between them.';
  }
  if (parents === 0) return LEAVES;
  // A connection carries both ways: whoever fetches first has parents, and gives to them.
  if (missed >= MANY_MISSED) {
    return gives ? LEAVES : `The other viewer has nothing that is needed here. ${SIDE_BY_SIDE}`;
  }
  return children > 0
    ? 'This viewer gets segments from others and passes them on.'
    : 'Segments come from another viewer now. Its window shows them leave.';
}
