/**
 * The recurrent jobs as constants, and their data and first weights, written to a folder that every peer reads. What a job computes is said in
 * README.md. Must not know peers. Next: serve.mjs and serve.py (../peers) read the folder.
 */
import { numpy as np } from "damo";
import { float, int, writeFolder } from "../peers/arrays.mjs";

export const LENGTHS = [10, 100, 1000];

/** The sizes of lstm.py and rnnrbm.py, a minibatch and a sequence at a time. */
export const CELLS = {
  lstm: { title: "LSTM 128, minibatch of 16, mean of the states, softmax", gates: 4, batch: 16, dim: 128, classes: 2, lr: 0.01 },
  gru: { title: "GRU 128, minibatch of 16, mean of the states, softmax", gates: 3, batch: 16, dim: 128, classes: 2, lr: 0.01 },
  rnnrbm: { title: "RNN-RBM 88-150-100, one sequence, CD-15", visible: 88, hidden: 150, recurrent: 100, k: 15, lr: 0.001 },
};

export const jobName = (cell, steps) => `${cell}-${steps}`;

export const normalOf = (rng) => (scale, ...shape) => float(shape, rng.normal({ scale, size: shape }).data);

/** A sequence of notes. */
export const roll = (rng, steps) => float([steps, CELLS.rnnrbm.visible], rng.binomial(1, 0.05, { size: [steps, CELLS.rnnrbm.visible] }).data);

export function rnnrbmWeights(rng) {
  const { visible, hidden, recurrent } = CELLS.rnnrbm;
  const normal = normalOf(rng);
  return {
    "rnnrbm.W": normal(0.01, visible, hidden), "rnnrbm.Wuh": normal(0.05, recurrent, hidden), "rnnrbm.Wuv": normal(0.05, recurrent, visible), "rnnrbm.Wvu": normal(0.05, visible, recurrent),
    "rnnrbm.Wuu": normal(0.05, recurrent, recurrent),
  };
}

function arrays(lengths) {
  const rng = new np.random.RandomState(1234);
  const normal = normalOf(rng);
  const longest = Math.max(...lengths);
  const all = {
    x: normal(1, longest, CELLS.lstm.batch, CELLS.lstm.dim),
    y: int([CELLS.lstm.batch], Array.from({ length: CELLS.lstm.batch }, () => rng.randint(2))),
    roll: roll(rng, longest),
  };
  for (const [cell, { gates, dim, classes }] of Object.entries(CELLS).filter(([, c]) => c.gates)) {
    Object.assign(all, { [`${cell}.W`]: normal(0.08, dim, gates * dim), [`${cell}.U`]: normal(0.08, dim, gates * dim), [`${cell}.V`]: normal(0.08, dim, classes) });
  }
  return Object.assign(all, rnnrbmWeights(rng));
}

/** Writes the folder; gives its path and the jobs. */
export async function writeData(cells, lengths) {
  const jobs = Object.fromEntries(cells.flatMap((cell) => lengths.map((steps) => [jobName(cell, steps), { ...CELLS[cell], cell, steps }])));
  return { folder: await writeFolder("recurrence", jobs, arrays(lengths)), jobs };
}
