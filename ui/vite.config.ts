import { defineConfig } from "vite";

// The policy of the server (script-src, style-src 'self') forbids anything inline, so nothing is put into the page.
export default defineConfig({
  build: {
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      checks: { bundlerTimings: false },
      // "use client" means something to servers that render React; there is none here.
      onwarn: (warning, tell) => void (warning.code === "MODULE_LEVEL_DIRECTIVE" || tell(warning)),
    },
  },
  server: { proxy: { "/api": "http://127.0.0.1:9999" } },
});
