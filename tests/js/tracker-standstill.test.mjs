/** Row E6 of the cases: which workers stand still, and which merely lack the processor. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { Standstill, schedulingOf } from '../../js/tracker/cluster/standstill.js';

const BEAT_MS = 1000;
const LEASE_MS = 5000;

/** A worker, and a kernel that says of it what a test wants. @param {boolean} [known] false: the kernel says nothing */
function watched(known = true) {
  const clock = { now: 50_000 };
  const kernel = { usedMs: 10, waitedMs: 3, ready: false };
  const standstill = new Standstill(
    { beatMs: BEAT_MS, leaseMs: LEASE_MS },
    () => clock.now,
    (pid) => (known && pid === 7 ? { ...kernel } : undefined),
  );
  standstill.add('1.1', 7);
  standstill.beat();
  /**
   * Beats pass in which the worker does not answer.
   * @param {number} beats @param {{ usedMs?: number, waitedMs?: number, ready?: boolean, ms?: number }} each
   */
  const pass = (beats, { usedMs = 0, waitedMs = 0, ready = false, ms = BEAT_MS } = {}) => {
    const found = { still: 0, slow: 0 };
    for (let i = 0; i < beats; ++i) {
      clock.now += ms;
      kernel.usedMs += usedMs;
      kernel.waitedMs += waitedMs;
      kernel.ready = ready;
      const { still, slow } = standstill.beat();
      found.still += still.length;
      found.slow += slow.length;
    }
    return found;
  };
  return { standstill, pass };
}

test('E6: a worker that is stopped stands still after the lease and a beat, and is found once', () => {
  const { pass } = watched();
  assert.deepEqual(pass(5), { still: 0, slow: 0 });
  assert.deepEqual(pass(1), { still: 1, slow: 0 });
  assert.deepEqual(pass(20), { still: 0, slow: 0 });
});

test('E6: a worker in an endless loop stands still, later where it shares the processor', () => {
  const alone = watched();
  assert.equal(alone.pass(6, { usedMs: BEAT_MS, ready: true }).still, 1);
  const half = watched();
  assert.equal(half.pass(10, { usedMs: BEAT_MS / 2, waitedMs: BEAT_MS / 2, ready: true }).still, 0);
  assert.equal(half.pass(1, { usedMs: BEAT_MS / 2, waitedMs: BEAT_MS / 2, ready: true }).still, 1);
});

test('E6: a worker that waits for the processor is not replaced, and the operator hears of it once', () => {
  // The kernel counts what it waited only once it runs again.
  const starved = watched();
  assert.deepEqual(starved.pass(60, { ready: true }), { still: 0, slow: 1 });
  const slow = watched();
  assert.deepEqual(slow.pass(60, { usedMs: 10, waitedMs: 990 }), { still: 0, slow: 1 });
  slow.standstill.answered('1.1');
  assert.deepEqual(slow.pass(1, {}), { still: 0, slow: 0 });
  // It stands still indeed: all begins anew with its answer.
  assert.equal(slow.pass(5).still, 0);
  assert.equal(slow.pass(1).still, 1);
});

test('E6: beats that come late count nothing, since answers may not have been read', () => {
  const { pass } = watched();
  assert.equal(pass(60, { ms: 1.6 * BEAT_MS }).still, 0);
  assert.equal(pass(5, { ms: 1.4 * BEAT_MS }).still, 1);
});

test('E6: where the kernel says nothing, only the own lateness excuses a worker', () => {
  const { pass } = watched(false);
  assert.equal(pass(4).still, 0);
  assert.equal(pass(30, { ms: 2 * BEAT_MS }).still, 0);
  assert.equal(pass(1).still, 1);
});

test('E6: a worker that answers each time, or has left, is never found', () => {
  const { standstill, pass } = watched();
  for (let i = 0; i < 30; ++i) {
    standstill.answered('1.1');
    assert.equal(pass(1).still, 0);
  }
  standstill.remove('1.1');
  standstill.answered('1.1');
  assert.equal(pass(30).still, 0);
});

test('E6: /proc tells a process that works from one that is stopped; elsewhere nothing does', async () => {
  if (!existsSync('/proc/self/schedstat')) {
    assert.equal(schedulingOf(process.pid), undefined);
    return;
  }
  const child = spawn(process.execPath, ['-e', 'console.log(); for (;;);']);
  await once(child.stdout, 'data');
  const pid = Number(child.pid);
  /** @param {(is: import('../../js/tracker/cluster/standstill.js').Scheduling) => boolean} holds */
  const becomes = async (holds) => {
    for (const deadline = performance.now() + 20_000; performance.now() < deadline;) {
      const is = schedulingOf(pid);
      if (is && holds(is)) return is;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.fail(`in vain: ${JSON.stringify(schedulingOf(pid))}`);
  };
  /** @param {number} ms */
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  try {
    const before = await becomes(({ ready }) => ready);
    await becomes(({ ready, usedMs }) => ready && usedMs > before.usedMs + 20);
    child.kill('SIGSTOP');
    await becomes(({ ready }) => !ready);
    // The kernel counts what it did last.
    await pause(300);
    const stopped = schedulingOf(pid);
    await pause(300);
    assert.equal(schedulingOf(pid)?.ready, false);
    assert.equal(schedulingOf(pid)?.usedMs, stopped?.usedMs);
  } finally {
    child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  assert.equal(schedulingOf(pid), undefined);
});
