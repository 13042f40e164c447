#!/usr/bin/env node
// The program of the package.
import '../dist/package/cli.js'
