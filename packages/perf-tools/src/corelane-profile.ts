#!/usr/bin/env node
import { runConvert } from './profiles/run-convert.ts';

process.exitCode = runConvert(process.argv.slice(2));
