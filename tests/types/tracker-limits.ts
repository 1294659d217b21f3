// The limits that hlsmesh/tracker declares are those that the engine knows.
import type { Option } from '../../js/tracker/abi.js';
import type { TrackerLimits } from '../../js/tracker/index.js';

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

export const same: Same<keyof TrackerLimits, keyof typeof Option> = true;
