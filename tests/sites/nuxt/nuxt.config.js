export default { telemetry: false, srcDir: '.', nitro: { preset: 'static' } };
