/** uPlot, which the dashboard loads as it is published: a script that defines `uPlot`. */

/** An esbuild plugin: who imports uPlot uses the script's. @type {import('esbuild').Plugin} */
export const sharedCharts = {
  name: 'shared charts',
  setup(build) {
    build.onResolve({ filter: /^uplot$/ }, () => ({ path: 'uplot', namespace: 'shared' }));
    build.onLoad({ filter: /.*/, namespace: 'shared' }, () => ({
      contents: 'module.exports = uPlot;',
    }));
  },
};
