/**
 * Functions of one element that WebAssembly has no instruction for and that are no polynomials: division and remainder as Python has them.
 * Must not know kernels. Used by prims.ts.
 */
import type { DType } from "../ir/dtype.js";
import type { FunctionText } from "./wat.js";

export interface LibraryFunction extends FunctionText {
  /** Of its arguments and its result. */
  readonly dtype: DType;
}

/** Towards minus infinity; 0 for a divisor of 0. The one overflow, -2^31 / -1, wraps. */
export const FLOOR_DIV: LibraryFunction = {
  name: "$floorDiv", dtype: "int32",
  text: `(func $floorDiv (param $x i32) (param $y i32) (result i32)
  (local $q i32)
  (if (i32.eqz (local.get $y)) (then (return (i32.const 0))))
  (if (i32.eq (local.get $y) (i32.const -1)) (then (return (i32.sub (i32.const 0) (local.get $x)))))
  (local.set $q (i32.div_s (local.get $x) (local.get $y)))
  (i32.sub (local.get $q) (i32.and
    (i32.lt_s (i32.xor (local.get $x) (local.get $y)) (i32.const 0))
    (i32.ne (i32.mul (local.get $q) (local.get $y)) (local.get $x))))
)`,
};

/** The divisor's sign; 0 for a divisor of 0. */
export const MODULO: LibraryFunction = {
  name: "$modulo", dtype: "int32",
  text: `(func $modulo (param $x i32) (param $y i32) (result i32)
  (local $r i32)
  (if (i32.eqz (local.get $y)) (then (return (i32.const 0))))
  (local.set $r (i32.rem_s (local.get $x) (local.get $y)))
  (if (i32.and (i32.ne (local.get $r) (i32.const 0)) (i32.lt_s (i32.xor (local.get $r) (local.get $y)) (i32.const 0)))
    (then (local.set $r (i32.add (local.get $r) (local.get $y)))))
  (local.get $r)
)`,
};

/**
 * The exact remainder with the divisor's sign: C's fmod by subtracting the divisor's doublings from the largest down, each difference being
 * exact, then Python's correction. NaN for a divisor of 0 or an infinite dividend.
 */
export const FMOD: LibraryFunction = {
  name: "$fmod", dtype: "float64",
  text: `(func $fmod (param $x f64) (param $y f64) (result f64)
  (local $r f64) (local $d f64) (local $m f64)
  (local.set $r (f64.abs (local.get $x)))
  (local.set $m (f64.abs (local.get $y)))
  (if (i32.or (f64.eq (local.get $m) (f64.const 0)) (i32.or (f64.ne (local.get $m) (local.get $m)) (i32.eqz (f64.lt (local.get $r) (f64.const inf)))))
    (then (return (f64.const nan))))
  (block $done (loop $more
    (br_if $done (f64.lt (local.get $r) (local.get $m)))
    (local.set $d (local.get $m))
    (block $enough (loop $double
      (br_if $enough (f64.gt (local.get $d) (f64.mul (local.get $r) (f64.const 0.5))))
      (local.set $d (f64.add (local.get $d) (local.get $d)))
      (br $double)))
    (local.set $r (f64.sub (local.get $r) (local.get $d)))
    (br $more)))
  (if (f64.eq (local.get $r) (f64.const 0)) (then (return (f64.copysign (f64.const 0) (local.get $y)))))
  (local.set $r (f64.copysign (local.get $r) (local.get $x)))
  (if (result f64) (f64.lt (f64.mul (f64.copysign (f64.const 1) (local.get $x)) (f64.copysign (f64.const 1) (local.get $y))) (f64.const 0))
    (then (f64.add (local.get $r) (local.get $y)))
    (else (local.get $r)))
)`,
};
