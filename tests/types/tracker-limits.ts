// The limits that hlsmesh/tracker declares are those that the engine knows.
import type { Option } from '../../js/tracker/abi.js';
import type { TrackerLimits } from '../../js/tracker/index.js';

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

// The tracker itself decides if it asks for authorization; the caller of createTracker cannot.
export const same: Same<keyof TrackerLimits | 'authorize', keyof typeof Option> = true;
