// Runs the simulator for the page of savings: one message with a request comes in, messages with looks and at last one with the
// figures go out.

import { Simulator } from '../js/sim/simulator.js';

/**
 * @typedef {{ module: WebAssembly.Module, scenario: any, seed: number }} Request
 * @typedef {{ done: number, look: ReturnType<Simulator['look']> }} Look
 * @typedef {{ figures: any }} Outcome
 */

// Simulated seconds between two looks: half a segment of two seconds.
const STEP_SECONDS = 1;

addEventListener('message', (/** @type {MessageEvent<Request>} */ { data }) => {
  const simulator = new Simulator(data.module);
  simulator.open(data.scenario, BigInt(data.seed));
  for (let done = 0; done < 1;) {
    done = simulator.advance(STEP_SECONDS);
    // The last text of a study is its figures, which a look would replace.
    if (done < 1) postMessage({ done, look: simulator.look() });
  }
  postMessage({ figures: simulator.figures() });
});
