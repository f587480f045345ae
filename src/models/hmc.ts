/**
 * The Deep Learning Tutorials' hmc/hmc.py: hybrid Monte Carlo with leapfrog steps in a scan, and `HMCSampler`, whose step size follows the rate
 * at which moves are accepted. On the public API only. Next: hmc_program.ts samples a Gaussian, as test_hmc.py.
 */
import { type ArrayLike, compile, type CompiledFunction, config, grad, impossible, MRGRandomStreams, type NdArray, numpy as np, scan, shared, type SharedVariable, T, type Variable } from "../index.js";

/** Energies `[n]` of positions `[n, …]`; their sum must be differentiable. */
export type EnergyFn = (positions: Variable) => Variable;

/** What the sampler needs of a stream of random numbers: `MRGRandomStreams` or `RandomStreams`. */
export interface HmcStreams {
  normal(options: { readonly size: Variable }): Variable;
  uniform(options: { readonly size: Variable }): Variable;
}

const sharedX = (x: ArrayLike, name: string): SharedVariable => shared(np.asarray(x, { dtype: config.floatX }), { name });

/** `½ Σ v²` of each row, of a particle with mass 1: `[n]`. */
export const kineticEnergy = (vel: Variable): Variable => T.mul(0.5, vel.pow(2).sum({ axis: 1 }));

/** Potential and kinetic energy of each row: `[n]`. */
export const hamiltonian = (pos: Variable, vel: Variable, energyFn: EnergyFn): Variable => energyFn(pos).add(kineticEnergy(vel));

/** Whether each move is accepted, with probability `min(1, exp(E before - E after))` (Metropolis et al. 1953): bool `[n]`. */
export function metropolisHastingsAccept({ energyPrev, energyNext, sRng }: { readonly energyPrev: Variable; readonly energyNext: Variable; readonly sRng: HmcStreams }): Variable {
  const ediff = energyPrev.sub(energyNext);
  return T.exp(ediff).sub(sRng.uniform({ size: energyPrev.shape })).ge(0);
}

export interface Dynamics {
  /** `[n, …]`, floatX. */
  readonly initialPos: Variable;
  readonly initialVel: Variable;
  /** 0-d. */
  readonly stepsize: Variable;
  /** At least 2. */
  readonly nSteps: number;
  readonly energyFn: EnergyFn;
}

/** Positions and velocities after `nSteps` leapfrog steps. */
export function simulateDynamics({ initialPos, initialVel, stepsize, nSteps, energyFn }: Dynamics): [finalPos: Variable, finalVel: Variable] {
  const leapfrog = (pos: Variable, vel: Variable, step: Variable): [Variable, Variable] => {
    // From pos(t) and vel(t - step/2): vel(t + step/2), and from that pos(t + step).
    const dEDPos = grad(energyFn(pos).sum(), pos);
    const newVel = vel.sub(step.mul(dEDPos));
    const newPos = pos.add(step.mul(newVel));
    return [newPos, newVel];
  };
  // Velocity at t + step/2.
  const initialEnergy = energyFn(initialPos);
  const dEDPos = grad(initialEnergy.sum(), initialPos);
  const velHalfStep = initialVel.sub(T.mul(0.5, stepsize).mul(dEDPos));
  // Position at t + step.
  const posFullStep = initialPos.add(stepsize.mul(velHalfStep));
  // Then vel(t + (m - 1/2) step) and pos(t + m step) for m in [2, nSteps].
  const [[allPos, allVel], scanUpdates] = scan({
    fn: leapfrog,
    outputsInfo: [{ initial: posFullStep }, { initial: velHalfStep }],
    nonSequences: [stepsize],
    nSteps: nSteps - 1,
  });
  const finalPos = allPos.get(-1);
  const lastVel = allVel.get(-1);
  if ([...scanUpdates].length > 0) impossible("leapfrog steps draw nothing");
  // The last velocity is vel(t + (nSteps - 1/2) step): another half step is left.
  const energy = energyFn(finalPos);
  const finalVel = lastVel.sub(T.mul(0.5, stepsize).mul(grad(energy.sum(), finalPos)));
  return [finalPos, finalVel];
}

export interface Move {
  readonly sRng: HmcStreams;
  readonly positions: Variable;
  readonly energyFn: EnergyFn;
  readonly stepsize: Variable;
  readonly nSteps: number;
}

/** One proposal: whether each row is accepted (bool `[n]`), and the new positions. */
export function hmcMove({ sRng, positions, energyFn, stepsize, nSteps }: Move): [accept: Variable, finalPos: Variable] {
  const initialVel = sRng.normal({ size: positions.shape });
  const [finalPos, finalVel] = simulateDynamics({ initialPos: positions, initialVel, stepsize, nSteps, energyFn });
  const accept = metropolisHastingsAccept({
    energyPrev: hamiltonian(positions, initialVel, energyFn),
    energyNext: hamiltonian(finalPos, finalVel, energyFn),
    sRng,
  });
  return [accept, finalPos];
}

/** How the step size follows the rate of acceptance. */
export interface Adaption {
  readonly targetAcceptanceRate: number;
  /** Factor of the step size when more than the target is accepted. */
  readonly stepsizeInc: number;
  /** Factor of the step size otherwise. */
  readonly stepsizeDec: number;
  readonly stepsizeMin: number;
  readonly stepsizeMax: number;
  /** Weight of the past in the moving average of the rate; 1 would never move. */
  readonly avgAcceptanceSlowness: number;
}

export interface Moved {
  readonly positions: SharedVariable;
  readonly stepsize: SharedVariable;
  readonly avgAcceptanceRate: SharedVariable;
  readonly finalPos: Variable;
  readonly accept: Variable;
}

/** Updates of positions, step size and average acceptance rate after a move. */
export function hmcUpdates(
  { positions, stepsize, avgAcceptanceRate, finalPos, accept }: Moved,
  { targetAcceptanceRate, stepsizeInc, stepsizeDec, stepsizeMin, stepsizeMax, avgAcceptanceSlowness }: Adaption,
): [SharedVariable, Variable][] {
  const acceptMatrix = accept.dimshuffle(0, ...new Array<"x">(finalPos.ndim - 1).fill("x"));
  const newPositions = T.switch(acceptMatrix, finalPos, positions);
  // A low rate says that the steps are too long; a high one, that longer steps would mix better.
  const longerOrShorter = T.switch(avgAcceptanceRate.gt(targetAcceptanceRate), stepsize.mul(stepsizeInc), stepsize.mul(stepsizeDec));
  const newStepsize = T.clip(longerOrShorter, stepsizeMin, stepsizeMax);
  const newAcceptanceRate = T.add(avgAcceptanceRate.mul(avgAcceptanceSlowness), T.mean(accept, { dtype: avgAcceptanceRate.dtype }).mul(1.0 - avgAcceptanceSlowness));
  return [
    [positions, newPositions],
    [stepsize, newStepsize],
    [avgAcceptanceRate, newAcceptanceRate],
  ];
}

export interface SamplerOptions extends Partial<Adaption> {
  readonly initialStepsize?: number | undefined;
  /** Leapfrog steps of a move. */
  readonly nSteps?: number | undefined;
  readonly seed?: number | undefined;
  /** `new MRGRandomStreams(seed)` by default, as the tutorial's code; the run printed in its text drew from `RandomStreams`. */
  readonly sRng?: HmcStreams | undefined;
}

/** Chains that move by hybrid Monte Carlo, one per row of a shared matrix. */
export class HMCSampler {
  readonly positions: SharedVariable;
  readonly stepsize: SharedVariable;
  readonly avgAcceptanceRate: SharedVariable;
  readonly adaption: Adaption;
  readonly simulate: CompiledFunction<undefined>;

  private constructor(moved: Moved, adaption: Adaption) {
    this.positions = moved.positions;
    this.stepsize = moved.stepsize;
    this.avgAcceptanceRate = moved.avgAcceptanceRate;
    this.adaption = adaption;
    this.simulate = compile([], undefined, { updates: hmcUpdates(moved, adaption), name: "simulate" });
  }

  /** A sampler of `exp(-energyFn)` that starts at `sharedPositions`, `[n, …]` floatX, and keeps its chains there. */
  static newFromSharedPositions(
    sharedPositions: SharedVariable, energyFn: EnergyFn,
    {
      initialStepsize = 0.01, targetAcceptanceRate = 0.9, nSteps = 20, stepsizeDec = 0.98, stepsizeMin = 0.001, stepsizeMax = 0.25, stepsizeInc = 1.02,
      avgAcceptanceSlowness = 0.9, seed = 12345, sRng = new MRGRandomStreams(seed),
    }: SamplerOptions = {},
  ): HMCSampler {
    const stepsize = sharedX(initialStepsize, "hmc_stepsize");
    const avgAcceptanceRate = sharedX(targetAcceptanceRate, "avg_acceptance_rate");
    const [accept, finalPos] = hmcMove({ sRng, positions: sharedPositions, energyFn, stepsize, nSteps });
    return new HMCSampler(
      { positions: sharedPositions, stepsize, avgAcceptanceRate, finalPos, accept },
      { targetAcceptanceRate, stepsizeDec, stepsizeMin, stepsizeMax, stepsizeInc, avgAcceptanceSlowness },
    );
  }

  /** Moves the chains on by one proposal, and gives their positions. */
  async draw(): Promise<NdArray> {
    await this.simulate();
    return this.positions.getValue();
  }
}
