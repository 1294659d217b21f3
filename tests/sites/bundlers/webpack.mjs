// `webpack.mjs webpack|@rspack/core`
const { default: pack } = await import(process.argv[2]);

pack(
  { mode: 'production', entry: './src/main.js', output: { filename: 'main.js' } },
  (error, stats) => {
    if (error || stats?.hasErrors()) throw error ?? new Error(stats?.toString('errors-only'));
  },
);
