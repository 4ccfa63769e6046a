// Khronos glTF validator for the test suite: node validate_glb.mjs NODE_MODULES FILE.glb
// Prints the validator's report as JSON. (The npm package is a library without a command.)
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const [folder, file] = process.argv.slice(2);
const validator = createRequire(`${resolve(folder)}/`)('gltf-validator');
const report = await validator.validateBytes(new Uint8Array(readFileSync(file)), {
  maxIssues: 0,
  writeTimestamp: false,
});
process.stdout.write(JSON.stringify(report));
