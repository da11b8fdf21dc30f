import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What the agent heard: see seccomp-agent.py. */
export interface AgentReport {
  readonly state?: {
    readonly fds: readonly string[];
    readonly pid: number;
    readonly ociVersion: string;
    readonly metadata?: string;
    readonly state: Readonly<Record<string, unknown>>;
  };
  /** How many descriptors came with the state. */
  readonly fds?: number;
  readonly syscall?: number;
}

/** An agent for seccomp notifications in a process of its own. */
export class SeccompAgent {
  readonly reports: AgentReport[] = [];
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<unknown>;

  private constructor(path: string, policy: string) {
    const program = fileURLToPath(new URL('./seccomp-agent.py', import.meta.url));
    this.#child = spawn('python3', [program, path, policy], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#ended = once(this.#child, 'exit');
    const lines = createInterface({
      input: this.#child.stdout as NonNullable<ChildProcess['stdout']>,
    });
    this.#lines = lines[Symbol.asyncIterator]();
  }

  /** Resolves when it listens at `path`. `policy`: what it answers. */
  static async start(path: string, policy: string): Promise<SeccompAgent> {
    const agent = new SeccompAgent(path, policy);
    await agent.#lines.next();
    return agent;
  }

  /** The next thing it hears; undefined when it has ended. */
  async next(): Promise<AgentReport | undefined> {
    const { value, done } = await this.#lines.next();
    if (done) return undefined;
    const report = JSON.parse(value) as AgentReport;
    this.reports.push(report);
    return report;
  }

  /** Ends it. Resolves with all that it heard and wasn't asked for yet. */
  async stop(): Promise<readonly AgentReport[]> {
    this.#child.kill();
    while (await this.next());
    await this.#ended;
    return this.reports;
  }
}
