/**
 * A tape of numbers that decides a generated thing: each choice reads the next one, and an empty tape gives the first choice, so a tape that
 * fast-check shrinks makes simpler things. Must not know what is generated.
 */
export class Tape {
  readonly #numbers: readonly number[];
  #at = 0;

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers;
  }

  /** A whole number from [0, n). */
  pick(n: number): number {
    return this.#at < this.#numbers.length && n > 1 ? (this.#numbers[this.#at++] as number) % n : 0;
  }

  oneOf<T>(xs: readonly [T, ...(readonly T[])]): T;
  oneOf<T>(xs: readonly T[]): T | undefined;
  oneOf<T>(xs: readonly T[]): T | undefined {
    return xs[this.pick(xs.length)];
  }

  /** True once in `n`; false on an empty tape. */
  chance(n: number): boolean {
    return this.pick(n) === n - 1 && n > 1;
  }
}
