// The page: page/browser/ into a few files that run from any path, without inline script.
import { defineConfig } from 'vite'

export default defineConfig({
  root: 'page/browser',
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../../dist/page',
    emptyOutDir: true,
    assetsDir: '.',
    assetsInlineLimit: 0,
    modulePreload: false,
    target: 'es2022',
  },
})
