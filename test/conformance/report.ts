import type { Rule } from './rule.js';
import type { Result } from './runner.js';
import type { Runtime } from './runtime.js';

export type Format = 'text' | 'json' | 'tap' | 'markdown';
export const formats: readonly Format[] = ['text', 'json', 'tap', 'markdown'];

export function report(format: Format, results: readonly Result[], runtimes: readonly Runtime[]) {
  return { text, json, tap, markdown }[format](results, runtimes);
}

/** The results of each rule, in the order of the runtimes. */
function byRule(results: readonly Result[]): Map<string, Result[]> {
  const rules = new Map<string, Result[]>();
  for (const result of results) {
    const list = rules.get(result.rule.id) ?? [];
    rules.set(result.rule.id, [...list, result]);
  }
  return rules;
}

function counts(results: readonly Result[], runtime: string): string {
  const count = (status: string): number =>
    results.filter((each) => each.runtime === runtime && each.status === status).length;
  return `${count('pass')} passed, ${count('FAIL')} failed, ${count('skip')} skipped`;
}

function text(results: readonly Result[], runtimes: readonly Runtime[]): string {
  const rules = byRule(results);
  const width = Math.max(0, ...[...rules.keys()].map((id) => id.length));
  const columns = runtimes.map(({ name }) => Math.max(6, name.length + 2));
  const row = (level: string, id: string, cells: readonly string[]): string =>
    `${level.padEnd(10)} ${id.padEnd(width)}  ${cells.map((cell, i) => cell.padEnd(columns[i] ?? 6)).join('')}`.trimEnd();
  const lines = [
    row(
      '',
      '',
      runtimes.map(({ name }) => name),
    ),
  ];
  let section = '';
  for (const [id, list] of rules) {
    const rule = list[0]?.rule;
    if (rule && rule.section !== section) {
      section = rule.section;
      lines.push(section);
    }
    lines.push(
      row(
        rule?.level ?? '',
        id,
        list.map(({ status }) => status),
      ),
    );
  }
  lines.push('');
  for (const { rule, runtime, status, why } of results) {
    if (status === 'pass') continue;
    lines.push(
      `${status} ${runtime} ${rule.id}: ${rule.text}`,
      `     ${why.replaceAll('\n', '\n     ')}`,
    );
  }
  lines.push('');
  for (const { name, version } of runtimes)
    lines.push(`${name} (${version}): ${counts(results, name)}`);
  return lines.join('\n');
}

function json(results: readonly Result[], runtimes: readonly Runtime[]): string {
  const rows = results.map(({ rule: { test: _, ...rule }, ...result }) => ({ ...rule, ...result }));
  return JSON.stringify({ runtimes, results: rows }, undefined, 1);
}

/** The results of an earlier run, from its JSON report. */
export function parseReport(report: string): { results: Result[]; runtimes: Runtime[] } {
  const { runtimes, results } = JSON.parse(report);
  const row = ({
    runtime,
    status,
    why,
    seconds,
    ...rule
  }: Omit<Result, 'rule'> & Rule): Result => ({
    rule,
    runtime,
    status,
    why,
    seconds,
  });
  return { runtimes, results: results.map(row) };
}

function tap(results: readonly Result[]): string {
  const lines = results.flatMap(({ rule, runtime, status, why }, index) => {
    const name = `${index + 1} - ${runtime}: ${rule.id}: ${rule.text}`.replaceAll('#', '\\#');
    const reason = why.replaceAll('\n', ' ');
    if (status === 'skip') return [`ok ${name} # SKIP ${reason}`];
    if (status === 'pass') return [`ok ${name}`];
    return [`not ok ${name}`, '  ---', `  message: ${JSON.stringify(why)}`, '  ...'];
  });
  return ['TAP version 13', `1..${results.length}`, ...lines].join('\n');
}

const marks = { pass: '✓', FAIL: '✗', skip: '–' } as const;
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** A table for each section, with notes on what isn't a pass. */
function markdown(results: readonly Result[], runtimes: readonly Runtime[]): string {
  const lines = [
    ...runtimes.map(({ name, version }) => `- **${name}** (${version}): ${counts(results, name)}`),
    '',
    '✓ passes · ✗ fails · – can’t be told on this machine',
  ];
  const notes = new Map<string, string>();
  let section = '';
  const flush = (): void => {
    for (const [note, id] of notes) lines.push('', `<sup>${id}</sup> ${cell(note)}`);
    notes.clear();
  };
  for (const [id, list] of byRule(results)) {
    const rule = list[0]?.rule;
    if (!rule) continue;
    if (rule.section !== section) {
      flush();
      section = rule.section;
      const names = runtimes.map(({ name }) => name);
      lines.push('', `### ${section}`, '', `| | rule | what it demands | ${names.join(' | ')} |`);
      lines.push(`|---|---|---|${names.map(() => '---').join('|')}|`);
    }
    const cells = list.map(({ status, why }) => {
      if (status === 'pass') return marks.pass;
      const note = oneLine(why);
      const number = notes.get(note) ?? String(notes.size + 1);
      notes.set(note, number);
      return `${marks[status]}<sup>${number}</sup>`;
    });
    lines.push(`| ${rule.level} | ${id} | ${cell(rule.text)} | ${cells.join(' | ')} |`);
  }
  flush();
  return lines.join('\n');
}

/** Times, ids and folders of one run are no part of a document that is generated again. */
function oneLine(why: string): string {
  return why
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/conformance-\w{6}(-\d+)?/g, 'ID')
    .replaceAll(/(rule|bundle)-\d+/g, '$1')
    .replaceAll(/time="[^"]*" /g, '')
    .slice(0, 200);
}
