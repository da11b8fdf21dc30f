import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { baseConfig, type Config, type Mutate } from './config.js';
import { Container } from './container.js';
import { cgroupFolder, cgroupVersion, hasController, parseMounts } from './host.js';
import { makeRootfs, type Tools } from './rootfs.js';
import { Skip } from './rule.js';
import { type CallOptions, describe, execute, type Outcome, type Runtime } from './runtime.js';

export interface Place {
  /** The run's folder. */
  readonly folder: string;
  /** The cgroup, relative to each hierarchy, below which all cgroups of the run are; ids begin with its name. */
  readonly cgroup: string;
  readonly tools: Tools;
}

let names = 0;

/** What one test has: a folder, bundles, containers of the runtime under test. Everything is gone after `close`. */
export class Context {
  readonly runtime: Runtime;
  readonly folder: string;
  readonly #place: Place;
  readonly #root: string;
  readonly #cleaners: (() => unknown)[] = [];
  readonly #created: string[] = [];
  /** Breaks calls off that the test, out of time, has left behind. */
  readonly #over = new AbortController();
  #closing = false;

  constructor(runtime: Runtime, place: Place) {
    this.runtime = runtime;
    this.#place = place;
    this.folder = join(place.folder, `rule-${++names}`);
    this.#root = join(this.folder, 'state');
    mkdirSync(this.folder, { recursive: true });
  }

  /** An id that nobody has. */
  id(): string {
    return `${this.#place.cgroup}-${++names}`;
  }

  /** A cgroup that nobody else uses, absolute. */
  cgroup(name: string): string {
    return `/${this.#place.cgroup}/${name}-${++names}`;
  }

  /** Skips the rule unless cgroups have such a file; that of the root often lacks it. */
  needsCgroupFile(controller: string, file: string): void {
    this.needs(hasController(controller), `a cgroup v${cgroupVersion} controller ${controller}`);
    const folder = cgroupFolder(controller, `/${this.#place.cgroup}/probe`);
    mkdirSync(folder, { recursive: true });
    this.needs(cgroupVersion === 2 || existsSync(join(folder, file)), `a kernel with ${file}`);
  }

  skip(why: string): never {
    throw new Skip(why);
  }

  /** Skips the rule unless the machine, or the runtime, has what it needs: a noun. */
  needs(condition: boolean, what: string): void {
    if (!condition) this.skip(`wants ${what}`);
  }

  /** The probe, a path on the host; in containers it is /bin/probe. */
  probe(): string {
    return this.#place.tools.probe ?? this.skip('wants a C compiler for the probe');
  }

  /** To be called at the end of the test, the last first. */
  defer(clean: () => unknown): void {
    this.#cleaners.unshift(clean);
  }

  /** Mounts something in the suite's own mount namespace until the test's end. Returns the folder. */
  mounted(name: string, ...args: string[]): string {
    const target = join(this.folder, name);
    mkdirSync(target, { recursive: true });
    execFileSync('mount', [...(args.length > 0 ? args : ['-t', 'tmpfs', 'tmpfs']), target]);
    this.defer(() => execFileSync('umount', ['-R', '-l', target]));
    return target;
  }

  /** Makes a bundle and returns its folder. */
  bundle(mutate: Mutate = () => {}): string {
    const bundle = join(this.folder, `bundle-${++names}`);
    makeRootfs(join(bundle, 'rootfs'), this.#place.tools);
    const config = baseConfig();
    config.linux.cgroupsPath = this.cgroup('c');
    mutate(config, bundle);
    this.writeConfig(bundle, config);
    return bundle;
  }

  writeConfig(bundle: string, config: Config | string): void {
    const text = typeof config === 'string' ? config : JSON.stringify(config);
    writeFileSync(join(bundle, 'config.json'), text);
  }

  /** Calls the runtime. */
  call(args: readonly string[], options?: CallOptions): Promise<Outcome> {
    const { command } = this.runtime;
    // What \`run\` leaves behind when it fails goes with the run's namespaces and cgroups.
    // An id that is a path is none of ours: a runtime may take `delete --force ..` at its word.
    const id = args.at(-1) ?? '';
    if (args[0] === 'create' && id.startsWith(this.#place.cgroup)) this.#created.push(id);
    return execute([...command, '--root', this.#root, ...args], this.folder, {
      ...options,
      ...(this.#closing ? {} : { signal: this.#over.signal }),
    });
  }

  async ok(args: readonly string[], options?: CallOptions): Promise<string> {
    const outcome = await this.call(args, options);
    assert.ok(outcome.code === 0, `${args[0]} ${describe(outcome)}`);
    return outcome.stdout;
  }

  /** The call must end by itself, with an error that isn't a crash. */
  async fails(args: readonly string[], options?: CallOptions): Promise<Outcome> {
    const outcome = await this.call(args, options);
    const { code, signal, timedOut } = outcome;
    assert.ok(!timedOut && signal === null, `${args[0]} ${describe(outcome)}`);
    assert.notEqual(code, 0, `${args.join(' ')} must generate an error and succeeded`);
    return outcome;
  }

  /** `run` of a shell script in a container. */
  run(script: string, mutate: Mutate = () => {}, options?: CallOptions): Promise<Outcome> {
    const bundle = this.bundle((config, folder) => {
      config.process.args = ['sh', '-c', script];
      mutate(config, folder);
    });
    return this.call(['run', '--bundle', bundle, this.id()], options);
  }

  /** What a shell script prints in a container; it must end with status 0. */
  async inside(script: string, mutate?: Mutate, options?: CallOptions): Promise<string> {
    const outcome = await this.run(script, mutate, options);
    assert.ok(outcome.code === 0, `the container ${describe(outcome)}`);
    return outcome.stdout.trimEnd();
  }

  /**
   * Such a container must be an error, its program not run and nothing of it left.
   * @param accepted the nearest configuration that must work, so that not everything like it is refused
   */
  async refuses(mutate: Mutate, accepted?: Mutate): Promise<Outcome> {
    if (accepted) {
      const outcome = await this.run('true', accepted);
      assert.ok(outcome.code === 0, `the control, which is legal, ${describe(outcome)}`);
    }
    const bundle = this.bundle((config, folder) => {
      config.process.args = ['sh', '-c', 'echo the program ran'];
      mutate(config, folder);
    });
    const id = this.id();
    const outcome = await this.call(['run', '--bundle', bundle, id]);
    assert.ok(!outcome.timedOut && outcome.signal === null, `run ${describe(outcome)}`);
    assert.ok(!outcome.stdout.includes('the program ran'), 'there was no error: the program ran');
    assert.notEqual(outcome.code, 0, 'there was no error');
    const state = await this.call(['state', id]);
    assert.notEqual(state.code, 0, `the container is still there: ${state.stdout}`);
    return outcome;
  }

  /** Creates a container from a bundle, or from one made for it. */
  async create(from: Mutate | string = () => {}, ...args: string[]): Promise<Container> {
    const bundle = typeof from === 'string' ? from : this.bundle(from);
    return Container.create(this, bundle, this.id(), args);
  }

  /** Creates and starts a container with a shell script, and waits for the script's first line. */
  async start(script: string, mutate: Mutate = () => {}): Promise<Container> {
    const container = await this.create((config, bundle) => {
      config.process.args = ['sh', '-c', script];
      mutate(config, bundle);
    });
    await container.start();
    container.firstLine = await container.line();
    return container;
  }

  /** Removes everything that the test has made, whatever state it is in. */
  async close(): Promise<void> {
    this.#over.abort();
    this.#closing = true;
    for (const clean of this.#cleaners) {
      try {
        await clean();
      } catch {
        // It is gone already, or goes with the suite's namespaces.
      }
    }
    for (const id of this.#created) {
      if (existsSync(join(this.#root, id))) await this.call(['delete', '--force', id]);
    }
    // A runtime may have mounted in the suite's own mount namespace.
    const mounts = parseMounts(readFileSync('/proc/self/mountinfo', 'utf8'))
      .map(({ target }) => target)
      .filter((target) => target.startsWith(`${this.folder}/`));
    for (const target of mounts.reverse()) spawnSync('umount', ['-l', target]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
