/** See systemd-world.mjs. */
export function noSystemdWorld(): string | undefined;

export class SystemdWorld {
  constructor(...folders: readonly string[]);
  booted(): Promise<void>;
  enter(command: readonly string[]): string[];
  service(command: readonly string[], env?: Readonly<Record<string, string>>): string[];
  remove(): Promise<string[]>;
}
