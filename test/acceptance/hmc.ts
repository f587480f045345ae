/**
 * Hybrid Monte Carlo as the Deep Learning Tutorials have it (doc/hmc.txt): leapfrog steps in a scan, Metropolis acceptance, and a step size
 * that follows the acceptance rate. On the public API only, in the order and with the names of the tutorial.
 */
import { compile, type CompiledFunction, config, grad, numpy as np, RandomStreams, scan, shared, type SharedVariable, T, type Variable } from "../../src/index.js";

/** Energies of the rows of a matrix of positions. */
export type Energy = (positions: Variable) => Variable;

export const kineticEnergy = (vel: Variable): Variable => vel.pow(2).sum({ axis: 1 }).mul(0.5);
export const hamiltonian = (pos: Variable, vel: Variable, energyFn: Energy): Variable => energyFn(pos).add(kineticEnergy(vel));

const slope = (pos: Variable, energyFn: Energy): Variable => grad(energyFn(pos).sum(), pos);

interface Simulation {
  readonly initialPos: Variable;
  readonly initialVel: Variable;
  readonly stepsize: Variable;
  readonly nSteps: number;
  readonly energyFn: Energy;
}

/** Positions and velocities after n leapfrog steps: velocities run half a step ahead of positions. */
export function simulateDynamics({ initialPos, initialVel, stepsize, nSteps, energyFn }: Simulation): [Variable, Variable] {
  const leapfrog = (pos: Variable, vel: Variable, step: Variable): [Variable, Variable] => {
    const newVel = vel.sub(step.mul(slope(pos, energyFn)));
    return [pos.add(step.mul(newVel)), newVel];
  };
  const velHalfStep = initialVel.sub(stepsize.mul(0.5).mul(slope(initialPos, energyFn)));
  const posFullStep = initialPos.add(stepsize.mul(velHalfStep));
  const [[allPos, allVel]] = scan({ fn: leapfrog, outputsInfo: [{ initial: posFullStep }, { initial: velHalfStep }], nonSequences: [stepsize], nSteps: nSteps - 1 });
  const finalPos = allPos.get(-1);
  return [finalPos, allVel.get(-1).sub(stepsize.mul(0.5).mul(slope(finalPos, energyFn)))];
}

export interface SamplerOptions {
  readonly initialStepsize?: number;
  readonly targetAcceptanceRate?: number;
  readonly nSteps?: number;
  readonly stepsizeDec?: number;
  readonly stepsizeMin?: number;
  readonly stepsizeMax?: number;
  readonly stepsizeInc?: number;
  readonly avgAcceptanceSlowness?: number;
  readonly seed?: number;
}

const sharedX = (x: number, name: string): SharedVariable => shared(x, { name, dtype: config.floatX });

export class HMCSampler {
  readonly positions: SharedVariable;
  readonly stepsize: SharedVariable;
  readonly avgAcceptanceRate: SharedVariable;
  readonly options: Required<SamplerOptions>;
  readonly simulate: CompiledFunction<undefined>;

  constructor(positions: SharedVariable, energyFn: Energy, options: SamplerOptions = {}) {
    this.options = {
      initialStepsize: 0.01, targetAcceptanceRate: 0.9, nSteps: 20, stepsizeDec: 0.98, stepsizeMin: 0.001, stepsizeMax: 0.25, stepsizeInc: 1.02, avgAcceptanceSlowness: 0.9, seed: 12345,
      ...options,
    };
    this.positions = positions;
    this.stepsize = sharedX(this.options.initialStepsize, "hmc_stepsize");
    this.avgAcceptanceRate = sharedX(this.options.targetAcceptanceRate, "avg_acceptance_rate");
    const rng = new RandomStreams(this.options.seed);
    const initialVel = rng.normal({ size: positions.shape });
    const [finalPos, finalVel] = simulateDynamics({ initialPos: positions, initialVel, stepsize: this.stepsize, nSteps: this.options.nSteps, energyFn });
    const lost = hamiltonian(positions, initialVel, energyFn).sub(hamiltonian(finalPos, finalVel, energyFn));
    const accept = T.exp(lost).sub(rng.uniform({ size: lost.shape })).ge(0);
    this.simulate = compile([], undefined, { updates: this.#updates(accept, finalPos) });
  }

  #updates(accept: Variable, finalPos: Variable): [SharedVariable, Variable][] {
    const { positions, stepsize, avgAcceptanceRate: rate } = this;
    const { targetAcceptanceRate, stepsizeInc, stepsizeDec, stepsizeMin, stepsizeMax, avgAcceptanceSlowness: slowness } = this.options;
    const newStepsize = T.switch(rate.gt(targetAcceptanceRate), stepsize.mul(stepsizeInc), stepsize.mul(stepsizeDec));
    return [
      [positions, T.switch(accept.dimshuffle(0, "x"), finalPos, positions)],
      [stepsize, T.clip(newStepsize, stepsizeMin, stepsizeMax)],
      [rate, rate.mul(slowness).add(T.mean(accept, { dtype: config.floatX }).mul(1 - slowness))],
    ];
  }

  /** Moves the chains on, and gives their positions. */
  async draw(): Promise<ReturnType<typeof np.asarray>> {
    await this.simulate();
    return this.positions.getValue();
  }
}
