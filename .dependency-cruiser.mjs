// The import order of host/: a folder imports only from those before it in this list.
const order = [
  'core',
  'ir',
  'format',
  'rewrite',
  'front',
  'scheme',
  'plan',
  'engine',
  'data',
  'train',
  'quant',
  'lower',
  'emit',
  'link',
  'board',
  'eval',
  'cli',
];

const downhill = order.map((folder, i) => ({
  name: `${folder}-imports-only-what-comes-before-it`,
  severity: 'error',
  from: { path: `^host/${folder}/` },
  to: { path: `^host/(${[...order.slice(i + 1), 'index\\.ts'].join('|')})` },
}));

export default {
  forbidden: [
    // index.ts is the public face; the cli is the only folder that may stand on it.
    ...downhill.map((rule) =>
      rule.name.startsWith('cli-') ? { ...rule, to: { path: '^host/nothing' } } : rule,
    ),
    {
      name: 'models-import-the-public-api-only',
      severity: 'error',
      from: { path: '^models/' },
      to: { path: '^host/', pathNot: '^host/index\\.ts$' },
    },
    {
      name: 'host-imports-no-tests-tools-or-models',
      severity: 'error',
      from: { path: '^host/' },
      to: { path: '^(test|tools|models)/' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
  },
};
