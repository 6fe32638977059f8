/** `edge-nn doctor`: what is missing on this machine, and the command that mends it. */
import { type DoctorResult, doctor as examine } from '../../board/doctor.js';
import { command } from '../command.js';
import { table } from '../table.js';

/** Looks at this machine; changes nothing. */
export const doctor = (): Promise<DoctorResult> => examine();

function render({ node, tools, mend }: DoctorResult): string {
  const rows = [
    ['node', node, 'everything'],
    ...tools.map(({ name, found, version, boards }) => [
      name,
      found ? (version ?? 'there') : 'missing',
      boards.join(', '),
    ]),
  ];
  const advice =
    mend.length === 0
      ? 'Nothing is missing.'
      : `The board \`virtual\` works as it is. For the others, run one of:\n${mend.map((line) => `    ${line}`).join('\n')}`;
  return `${table(['tool', 'version', 'for'], rows)}\n\n${advice}`;
}

export const doctorCommand = command<DoctorResult>({
  verb: 'doctor',
  summary: 'What is missing on this machine, and the command that mends it',
  options: {},
  examples: [['edge-nn doctor', 'Looks, and changes nothing']],
  run: () => doctor(),
  render,
});
