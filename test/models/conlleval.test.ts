/** F1 of chunks beside what the tutorial's conlleval.pl prints (accuracy; precision; recall; FB1) for the same predictions and labels. */
import { describe, expect, test } from "vitest";
import { conlleval } from "../../src/models/conlleval.js";

/** Predictions, true labels, what the script printed. */
const CASES: readonly (readonly [string[], string[], number[]])[] = [
  [["I-b I-a I-b O O I-a", "I-b O O O", "O O B-b I-b O I-b", "O I-a O I-a"], ["I-b I-b I-b B-b O I-a", "I-b O O O", "I-a O I-a B-b O B-b", "O I-b O I-a"], [75.0, 44.44, 40.0, 42.11]],
  [["B-a O O", "B-b I-b O B-b I-b", "O B-a I-a B-a I-a O"], ["B-a O B-a", "B-b B-b O B-b I-b", "O B-a B-a B-a I-a I-b"], [80.0, 60.0, 33.33, 42.86]],
  [["O B-a O B-a", "I-a B-a B-b O B-a"], ["I-a B-a B-b B-a", "I-a O B-b I-b B-a"], [69.23, 66.67, 57.14, 61.54]],
  [["B-a B-a [ O O", "I B-a O O .", "B I-a O I I-b B-b O", "B-a B-a [ O I I-b I-a"], ["B-a O [ B-a O", "I B-a O O O", "O I-a O . I-b B-b I", "B-a O [ O I I-b I-a"], [78.12, 75.0, 85.71, 80.0]],
  [["I-b I-b", "B-b", "B [ [ B-b I B-b", "E-a [ O . O"], ["I-b O", "B-b", "B O [ B-b I B-b", "I-b [ B-a . O"], [81.82, 60.0, 60.0, 60.0]],
  [["B B-a I-a", "I B-b O O O [", "B-a . . B [ E-a B-b", "O O I-a O ."], ["B B-a I-a", "I B-b O O O [", "B-a . . B [ E-a B-b", "O O I-a B-a ."], [96.55, 100.0, 90.91, 95.24]],
];

const words = (sentences: readonly string[]): string[][] => sentences.map((s) => s.split(" "));

describe("conlleval", () => {
  test.each(CASES)("of %j", (predicted, labels, [accuracy, p, r, f1]) => {
    const got = conlleval(words(predicted), words(labels));
    // The script prints two digits.
    for (const [mine, printed] of [[got.accuracy, accuracy], [got.p, p], [got.r, r], [got.f1, f1]]) expect(Math.abs((mine as number) - (printed as number))).toBeLessThan(0.00501);
  });

  test("all right is 100, nothing found is 0", () => {
    expect(conlleval(words(["O B-a I-a"]), words(["O B-a I-a"]))).toEqual({ p: 100, r: 100, f1: 100, accuracy: 100 });
    expect(conlleval(words(["O O"]), words(["B-a O"]))).toMatchObject({ p: 0, r: 0, f1: 0, accuracy: 75 });
  });
});
