/**
 * Where threads wait for each other, as WAT: a central barrier whose waiters look for a while and then sleep. Must not know plans.
 * Used by module.ts.
 */
import { CONTROL } from "./frame.js";

/**
 * How often a waiting thread looks before it sleeps. A look takes some 25 ns, of which the fence is most: bare looks take 0.3 and keep a core
 * busy that another thread may share. Waking a sleeper takes 50 to 150 microseconds, and most phases are shorter: sleeping pays where
 * another process holds a core.
 */
const LOOKS = 3000;
/** Nanoseconds after which a sleeper looks whether the run was given up. */
const NAP = 100_000_000;

const at = (address: number): string => `(i32.const ${address})`;
const load = (address: number): string => `(i32.atomic.load ${at(address)})`;

/** Returns when all threads of the run have come, or the run is given up. What they wrote before is seen after. */
export const BARRIER = `(func $barrier (param $thread i32) (param $threads i32)
  (local $now i32) (local $looks i32)
  (if (i32.eq (local.get $threads) (i32.const 1)) (then (return)))
  (local.set $now ${load(CONTROL.barrier)})
  (if (i32.eq (i32.add (i32.atomic.rmw.add ${at(CONTROL.arrived)} (i32.const 1)) (i32.const 1)) (local.get $threads)) (then
    (i32.atomic.store ${at(CONTROL.arrived)} (i32.const 0))
    (i32.atomic.store ${at(CONTROL.barrier)} (i32.add (local.get $now) (i32.const 1)))
    (if ${load(CONTROL.asleep)} (then (drop (memory.atomic.notify ${at(CONTROL.barrier)} (i32.const -1)))))
    (return)))
  (loop $look
    (atomic.fence)
    (if (i32.ne ${load(CONTROL.barrier)} (local.get $now)) (then (return)))
    (local.set $looks (i32.add (local.get $looks) (i32.const 1)))
    (br_if $look (i32.lt_u (local.get $looks) (i32.const ${LOOKS}))))
  (drop (i32.atomic.rmw.add ${at(CONTROL.asleep)} (i32.const 1)))
  (loop $sleep
    (if (i32.or (i32.ne (local.get $thread) (i32.const 0)) ${load(CONTROL.callerSleeps)}) (then
      (drop (memory.atomic.wait32 ${at(CONTROL.barrier)} (local.get $now) (i64.const ${NAP})))))
    (br_if $sleep (i32.and (i32.eq ${load(CONTROL.barrier)} (local.get $now)) (i32.eqz ${load(CONTROL.abort)}))))
  (drop (i32.atomic.rmw.sub ${at(CONTROL.asleep)} (i32.const 1)))
)`;
