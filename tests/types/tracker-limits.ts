// The limits that hlsmesh/tracker declares are those that the engine knows.
import type { Option } from '../../js/tracker/abi.js';
import type { TrackerLimits } from '../../js/tracker/index.js';

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

// Whether to ask is decided by whether there is anybody to answer, not by who starts a tracker.
export const same: Same<keyof TrackerLimits | 'authorize', keyof typeof Option> = true;
