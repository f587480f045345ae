/**
 * How well slots are filled, as CoNLL-2000's conlleval.pl measures it: precision, recall and F1 of whole chunks, a chunk being right when its type,
 * beginning and end are. Must not know models.
 */

export interface Performance {
  /** Part of the predicted chunks that is right, in per cent; 0 where there are none. */
  readonly p: number;
  /** Part of the true chunks that was found, in per cent. */
  readonly r: number;
  readonly f1: number;
  /** Part of the words that is labelled right, in per cent; a boundary before and after each sentence counts, as in the tutorial's files. */
  readonly accuracy: number;
}

/** `B-fromloc` is tag B of type fromloc; a label without hyphen is a tag without type. */
interface Tag {
  readonly tag: string;
  readonly type: string;
}

const OUTSIDE: Tag = { tag: "O", type: "" };

function read(label: string): Tag {
  const at = label.indexOf("-");
  return at < 0 ? { tag: label, type: "" } : { tag: label.slice(0, at), type: label.slice(at + 1) };
}

/** Pairs of neighbouring tags between which a chunk ends, and begins: IOB, IOE and the brackets of single words. */
const ENDS = new Set(["BB", "BO", "IB", "IO", "EE", "EI", "EO"]);
const STARTS = new Set(["BB", "IB", "OB", "OI", "EE", "EI", "OE"]);
const inside = ({ tag }: Tag): boolean => tag !== "O" && tag !== ".";
const single = ({ tag }: Tag): boolean => tag === "[" || tag === "]";

const ended = (before: Tag, now: Tag): boolean => ENDS.has(before.tag + now.tag) || (inside(before) && before.type !== now.type) || single(before);
const started = (before: Tag, now: Tag): boolean => STARTS.has(before.tag + now.tag) || (inside(now) && before.type !== now.type) || single(now);

const per = (part: number, whole: number): number => (whole > 0 ? (100 * part) / whole : 0);

/** Performance of predicted labels against true ones, sentence by sentence. */
export function conlleval(predictions: readonly (readonly string[])[], groundtruth: readonly (readonly string[])[]): Performance {
  let [rightWords, words, rightChunks, trueChunks, foundChunks] = [0, 0, 0, 0, 0];
  let [lastTrue, lastFound, rightSoFar] = [OUTSIDE, OUTSIDE, false];
  const step = (now: Tag, found: Tag): void => {
    if (rightSoFar) {
      const [trueEnds, foundEnds] = [ended(lastTrue, now), ended(lastFound, found)];
      if (trueEnds && foundEnds && lastTrue.type === lastFound.type) {
        rightSoFar = false;
        rightChunks++;
      } else if (trueEnds !== foundEnds || now.type !== found.type) rightSoFar = false;
    }
    const [trueStarts, foundStarts] = [started(lastTrue, now), started(lastFound, found)];
    if (trueStarts && foundStarts && now.type === found.type) rightSoFar = true;
    trueChunks += Number(trueStarts);
    foundChunks += Number(foundStarts);
    [lastTrue, lastFound] = [now, found];
  };
  for (const [i, sentence] of groundtruth.entries()) {
    const labels = ["O", ...sentence, "O"];
    const guesses = ["O", ...(predictions[i] as readonly string[]), "O"];
    for (const [j, label] of labels.entries()) {
      step(read(label), read(guesses[j] as string));
      rightWords += Number(label === guesses[j]);
      words++;
    }
    step(OUTSIDE, OUTSIDE);
  }
  const [p, r] = [per(rightChunks, foundChunks), per(rightChunks, trueChunks)];
  return { p, r, f1: p + r > 0 ? (2 * p * r) / (p + r) : 0, accuracy: per(rightWords, words) };
}
