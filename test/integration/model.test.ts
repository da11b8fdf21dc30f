/**
 * Random sequences of commands, by the library and by the command line, against a model of the lifecycle: what each
 * says, and what the containers are in after it. TSRUNC_ROUNDS says how many sequences; a failure tells its seed.
 */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Runtime, TsruncError } from '../../ts/index.js';
import { loadNative } from '../../ts/native/addon.js';
import { Lab } from '../support/lab.js';
import { gone } from '../support/processes.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const native = loadNative();
const runtime = new Runtime({ root: lab.root });
const test = suite('model');
const root = skipUnless(process.geteuid?.() === 0, 'root')(test);

const sleeping = (): string =>
  lab.bundle((spec) => {
    spec.process.args = ['sleep', '1000'];
  });

/** By container: each has a cgroup of its own. */
const bundles: Readonly<Record<string, string>> = { a: sleeping(), b: sleeping() };
const bundleOf = (id: string): string => bundles[id] as string;

type Status = 'none' | 'created' | 'running' | 'stopped';

/** A container as the specification and runc's callers know it. */
interface Modelled {
  status: Status;
  paused: boolean;
}

type Model = Map<string, Modelled>;

const containerOf = (model: Model, id: string): Modelled =>
  model.get(id) ?? { status: 'none', paused: false };
const shown = ({ status, paused }: Modelled): string => (paused ? 'paused' : status);

/** The code of the error that is due, or `ok`. */
type Answer = (container: Modelled) => string;

const absent = ({ status }: Modelled): boolean => status === 'none';
const alive = ({ status }: Modelled): boolean => status === 'created' || status === 'running';

interface Verb {
  readonly args: (id: string) => readonly string[];
  readonly call: (id: string) => Promise<unknown>;
  readonly answer: Answer;
  /** What it makes of a container, when it succeeds. */
  readonly effect: (container: Modelled) => Modelled;
}

const none: Modelled = { status: 'none', paused: false };
const same = (container: Modelled): Modelled => container;

async function execTrue(id: string): Promise<void> {
  const stdio = ['ignore', 'ignore', 'ignore'] as const;
  const child = await runtime.exec(id, { args: ['true'], stdio });
  assert.equal(await child.wait(), { code: 0 });
}

const verbs: Readonly<Record<string, Verb>> = {
  create: {
    args: (id) => ['create', '--bundle', bundleOf(id), id],
    call: (id) =>
      runtime.create(id, { bundle: bundleOf(id), stdio: ['ignore', 'ignore', 'ignore'] }),
    answer: (container) => (absent(container) ? 'ok' : 'CONTAINER_EXISTS'),
    effect: () => ({ status: 'created', paused: false }),
  },
  start: {
    args: (id) => ['start', id],
    call: (id) => runtime.start(id),
    answer: (container) => {
      if (absent(container)) return 'CONTAINER_NOT_FOUND';
      return shown(container) === 'created' ? 'ok' : 'INVALID_STATE';
    },
    effect: () => ({ status: 'running', paused: false }),
  },
  exec: {
    args: (id) => ['exec', id, 'true'],
    call: execTrue,
    answer: (container) => {
      if (absent(container)) return 'CONTAINER_NOT_FOUND';
      return alive(container) && !container.paused ? 'ok' : 'INVALID_STATE';
    },
    effect: same,
  },
  pause: {
    args: (id) => ['pause', id],
    call: (id) => runtime.pause(id),
    answer: (container) => {
      if (absent(container)) return 'CONTAINER_NOT_FOUND';
      return alive(container) && !container.paused ? 'ok' : 'INVALID_STATE';
    },
    effect: (container) => ({ ...container, paused: true }),
  },
  resume: {
    args: (id) => ['resume', id],
    call: (id) => runtime.resume(id),
    answer: (container) => {
      if (absent(container)) return 'CONTAINER_NOT_FOUND';
      return container.paused ? 'ok' : 'INVALID_STATE';
    },
    effect: (container) => ({ ...container, paused: false }),
  },
  update: {
    args: (id) => ['update', '--pids-limit', '50', id],
    call: (id) => runtime.update(id, { pids: { limit: 50 } }),
    answer: (container) => {
      if (absent(container)) return 'CONTAINER_NOT_FOUND';
      return alive(container) ? 'ok' : 'CONTAINER_NOT_RUNNING';
    },
    effect: same,
  },
  kill: {
    args: (id) => ['kill', id, 'KILL'],
    call: (id) => runtime.kill(id, 'KILL'),
    answer: (container) => {
      if (absent(container)) return 'CONTAINER_NOT_FOUND';
      return alive(container) ? 'ok' : 'CONTAINER_NOT_RUNNING';
    },
    effect: () => ({ status: 'stopped', paused: false }),
  },
  delete: {
    args: (id) => ['delete', id],
    call: (id) => runtime.delete(id),
    answer: (container) => {
      if (absent(container)) return 'CONTAINER_NOT_FOUND';
      return ['created', 'stopped'].includes(shown(container)) ? 'ok' : 'INVALID_STATE';
    },
    effect: () => none,
  },
  'delete --force': {
    args: (id) => ['delete', '--force', id],
    call: (id) => runtime.delete(id, { force: true }),
    answer: () => 'ok',
    effect: () => none,
  },
};

async function codeOf(act: Promise<unknown>): Promise<string> {
  try {
    await act;
    return 'ok';
  } catch (error) {
    assert.instance(error, TsruncError, String(error));
    return (error as TsruncError).code;
  }
}

class Step implements fc.AsyncCommand<Model, undefined> {
  readonly #name: string;
  readonly #verb: Verb;
  readonly #id: string;
  readonly #byCommand: boolean;

  constructor(name: string, id: string, byCommand: boolean) {
    this.#name = name;
    this.#verb = verbs[name] as Verb;
    this.#id = id;
    this.#byCommand = byCommand;
  }

  /** A frozen process of v1 dies when it is thawed, one of v2 at once. */
  check(model: Readonly<Model>): boolean {
    return this.#name !== 'kill' || !containerOf(model, this.#id).paused;
  }

  async run(model: Model): Promise<void> {
    const before = containerOf(model, this.#id);
    const due = this.#verb.answer(before);
    const pid = this.#name === 'kill' && due === 'ok' ? lab.state(this.#id).pid : undefined;
    if (this.#byCommand) this.#callCommand(due);
    else assert.is(await codeOf(this.#verb.call(this.#id)), due, this.toString());
    if (pid !== undefined) await gone(native, pid);
    if (due === 'ok') model.set(this.#id, this.#verb.effect(before));
    await compare(model);
  }

  #callCommand(due: string): void {
    const args = this.#verb.args(this.#id);
    const { code, stderr } = lab.tsrunc(args);
    const failure = this.#name === 'exec' ? 255 : 1;
    assert.is(code, due === 'ok' ? 0 : failure, `${args.join(' ')}: ${stderr}`);
    assert.match(stderr, due === 'ok' ? /^$/ : /^tsrunc [^\n]+\n$/);
  }

  toString(): string {
    return `${this.#byCommand ? 'tsrunc ' : ''}${this.#name} ${this.#id}`;
  }
}

/** Everything that can be seen of the containers is what the model says. */
async function compare(model: Model): Promise<void> {
  const there = [...model].filter(([, container]) => !absent(container)).sort();
  const listed = (await runtime.list()).map(({ id, status }) => [id, status]);
  assert.equal(
    listed,
    there.map(([id, container]) => [id, shown(container)]),
  );
  for (const [id, container] of there) {
    const { pid } = await runtime.state(id);
    assert.equal(await runtime.ps(id), alive(container) ? [pid] : []);
  }
}

root('any sequence of commands does what the model does', async () => {
  const ids = Object.keys(bundles);
  const steps = Object.keys(verbs).map((name) =>
    fc
      .tuple(fc.constantFrom(...ids), fc.nat({ max: 7 }))
      .map(([id, chance]) => new Step(name, id, chance === 0)),
  );
  await fc.assert(
    fc.asyncProperty(fc.commands(steps, { maxCommands: 40, size: 'max' }), async (sequence) => {
      try {
        await fc.asyncModelRun(() => ({ model: new Map(), real: undefined }), sequence);
      } finally {
        for (const id of ids) lab.ok(['delete', '--force', id]);
      }
      assert.equal(lab.traces(), []);
    }),
    { numRuns: Number(process.env['TSRUNC_ROUNDS'] ?? 20), includeErrorInReport: true },
  );
});

lab.finish(test);
