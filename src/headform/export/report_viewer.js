// The viewer of report.html: reads the GLB inside the page, turns the head, moves its shapes.
// Plain WebGL 2, no library, no network.
'use strict';

const ARRAYS = { 5121: Uint8Array, 5123: Uint16Array, 5125: Uint32Array, 5126: Float32Array };
const WIDTHS = { SCALAR: 1, VEC2: 2, VEC3: 3, VEC4: 4 };

/** Parts of a GLB file: its JSON and its binary chunk. `bytes` is a Uint8Array. */
function splitGlb(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== 0x46546c67) throw new Error('not a GLB file');
  const length = view.getUint32(12, true);
  const text = new TextDecoder().decode(bytes.subarray(20, 20 + length));
  return { json: JSON.parse(text), binary: bytes.subarray(28 + length) };
}

/** A copy of `count` values of a glTF component type that start at a byte of a bufferView. */
function valuesAt(glb, bufferView, offset, type, count) {
  const view = glb.json.bufferViews[bufferView];
  const start = (view.byteOffset || 0) + (offset || 0);
  const size = count * ARRAYS[type].BYTES_PER_ELEMENT;
  return new ARRAYS[type](glb.binary.slice(start, start + size).buffer);
}

/** A dense accessor as a typed array. */
function readDense(glb, index) {
  const entry = glb.json.accessors[index];
  const count = entry.count * WIDTHS[entry.type];
  return valuesAt(glb, entry.bufferView, entry.byteOffset, entry.componentType, count);
}

/** A displacement accessor as the rows that differ from zero: { rows, values }. */
function readDisplacement(glb, index) {
  const entry = glb.json.accessors[index];
  if (entry.sparse) {
    const { count, indices, values } = entry.sparse;
    return {
      rows: valuesAt(glb, indices.bufferView, indices.byteOffset, indices.componentType, count),
      values: valuesAt(glb, values.bufferView, values.byteOffset, 5126, 3 * count),
    };
  }
  if (entry.bufferView === undefined) {
    return { rows: new Uint32Array(0), values: new Float32Array(0) };
  }
  return { rows: Uint32Array.from({ length: entry.count }, (_, i) => i), values: readDense(glb, index) };
}

/** Arrays of vertex indices as one, as wide as the widest. */
function joined(arrays) {
  const Kind = arrays.some((each) => each instanceof Uint32Array) ? Uint32Array : Uint16Array;
  const out = new Kind(arrays.reduce((sum, each) => sum + each.length, 0));
  let at = 0;
  for (const each of arrays) {
    out.set(each, at);
    at += each.length;
  }
  return out;
}

/** The head of a GLB that headform wrote: its primitives share vertices and shapes, their materials are all drawn alike. */
function readHead(bytes) {
  const glb = splitGlb(bytes);
  const mesh = glb.json.meshes[0];
  const primitive = mesh.primitives[0];
  const image = glb.json.images ? glb.json.images[0] : null;
  const view = image ? glb.json.bufferViews[image.bufferView] : null;
  const { POSITION, TEXCOORD_0, COLOR_0 } = primitive.attributes;
  const positions = readDense(glb, POSITION);
  return {
    positions,
    uv: TEXCOORD_0 === undefined ? null : readDense(glb, TEXCOORD_0),
    tint: COLOR_0 === undefined ? null : readDense(glb, COLOR_0),
    triangles: joined(mesh.primitives.map((each) => readDense(glb, each.indices))),
    names: mesh.extras ? mesh.extras.targetNames : [],
    weights: mesh.weights || [],
    shapes: (primitive.targets || []).map((target) => readDisplacement(glb, target.POSITION)),
    image: view ? glb.binary.slice(view.byteOffset, view.byteOffset + view.byteLength) : null,
    imageType: image ? image.mimeType : null,
    welded: weld(positions),
  };
}

/** For every vertex the first one at the same place: seams must not show in the shading. */
function weld(positions) {
  const first = new Map();
  const welded = new Uint32Array(positions.length / 3);
  for (let i = 0; i < welded.length; i++) {
    const key = positions.subarray(3 * i, 3 * i + 3).join();
    if (!first.has(key)) first.set(key, i);
    welded[i] = first.get(key);
  }
  return welded;
}

/** Positions under shape weights. */
function moved(head, weights) {
  const out = head.positions.slice();
  head.shapes.forEach(({ rows, values }, k) => {
    const weight = weights[k];
    if (weight === 0) return;
    for (let i = 0; i < rows.length; i++) {
      const at = 3 * rows[i];
      out[at] += weight * values[3 * i];
      out[at + 1] += weight * values[3 * i + 1];
      out[at + 2] += weight * values[3 * i + 2];
    }
  });
  return out;
}

/** Unit vertex normals, weighted by area, one per place. */
function normalsOf(positions, triangles, welded) {
  const out = new Float32Array(positions.length);
  for (let f = 0; f < triangles.length; f += 3) {
    const [i, j, k] = [3 * triangles[f], 3 * triangles[f + 1], 3 * triangles[f + 2]];
    const ux = positions[j] - positions[i], uy = positions[j + 1] - positions[i + 1];
    const uz = positions[j + 2] - positions[i + 2], vx = positions[k] - positions[i];
    const vy = positions[k + 1] - positions[i + 1], vz = positions[k + 2] - positions[i + 2];
    const nx = uy * vz - uz * vy, ny = uz * vx - ux * vz, nz = ux * vy - uy * vx;
    for (const corner of [triangles[f], triangles[f + 1], triangles[f + 2]]) {
      const at = 3 * welded[corner];
      out[at] += nx;
      out[at + 1] += ny;
      out[at + 2] += nz;
    }
  }
  for (let i = 0; i < welded.length; i++) {
    const at = 3 * welded[i];
    if (welded[i] === i) {
      const length = Math.hypot(out[at], out[at + 1], out[at + 2]) || 1;
      for (let c = 0; c < 3; c++) out[at + c] /= length;
    } else {
      for (let c = 0; c < 3; c++) out[3 * i + c] = out[at + c];
    }
  }
  return out;
}

const VERTEX = `#version 300 es
in vec3 position; in vec3 normal; in vec2 uv; in vec3 tint;
uniform mat3 turn; uniform vec3 center; uniform vec3 lens;
out vec3 facing; out vec2 place; out vec3 paint;
void main() {
  vec3 p = turn * (position - center) - vec3(0, 0, lens.z);
  const float near = 0.05, far = 10.0;
  gl_Position = vec4(p.xy * lens.xy, (p.z * (far + near) + 2.0 * far * near) / (near - far), -p.z);
  facing = turn * normal;
  place = uv;
  paint = tint;
}`;

const FRAGMENT = `#version 300 es
precision highp float;
in vec3 facing; in vec2 place; in vec3 paint;
uniform sampler2D skin; uniform bool clay;
out vec4 color;
void main() {
  vec3 n = normalize(facing) * (gl_FrontFacing ? 1.0 : -1.0);
  float light = 0.25 + 0.75 * max(dot(n, normalize(vec3(-0.35, 0.45, 0.82))), 0.0);
  color = vec4(clay ? vec3(0.78) * light : texture(skin, place).rgb * pow(paint, vec3(0.4545)), 1);
}`;

function compile(gl) {
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
    throw new Error(gl.getProgramInfoLog(program) || 'the shaders do not link');
  }
  gl.useProgram(program);
  return program;
}

/** Column-major rotation: yaw about the upright axis, then pitch. */
function turnMatrix(yaw, pitch) {
  const [c, s, d, t] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
  return [c, s * t, -s * d, 0, d, t, s, -c * t, c * d];
}

/** Draw `head` on a canvas; returns { show(weights), clay(on), redraw() }. */
function makeViewer(canvas, head, bitmap) {
  const gl = canvas.getContext('webgl2', { antialias: true });
  if (!gl) throw new Error('this browser has no WebGL 2');
  const program = compile(gl);
  const buffers = {};
  const fill = (name, values, width) => {
    buffers[name] ??= gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, buffers[name]);
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW);
    const slot = gl.getAttribLocation(program, name);
    gl.enableVertexAttribArray(slot);
    gl.vertexAttribPointer(slot, width, gl.FLOAT, false, 0, 0);
  };
  if (head.uv) fill('uv', head.uv, 2);
  if (head.tint) fill('tint', head.tint, 3);
  else gl.vertexAttrib3f(gl.getAttribLocation(program, 'tint'), 1, 1, 1);
  gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, head.triangles, gl.STATIC_DRAW);
  const indexType = head.triangles instanceof Uint16Array ? gl.UNSIGNED_SHORT : gl.UNSIGNED_INT;
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, bitmap);
  gl.generateMipmap(gl.TEXTURE_2D);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
  gl.enable(gl.DEPTH_TEST);

  const low = [1e9, 1e9, 1e9], high = [-1e9, -1e9, -1e9];
  head.positions.forEach((value, i) => {
    low[i % 3] = Math.min(low[i % 3], value);
    high[i % 3] = Math.max(high[i % 3], value);
  });
  const center = low.map((value, c) => (value + high[c]) / 2);
  const size = Math.max(high[0] - low[0], high[1] - low[1], high[2] - low[2]);
  const state = { yaw: -0.4, pitch: 0.1, zoom: 1, clay: false };
  const uniform = (name) => gl.getUniformLocation(program, name);
  let pending = false;

  const draw = () => {
    pending = false;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.max(1, Math.round(canvas.clientWidth * ratio));
    canvas.height = Math.max(1, Math.round(canvas.clientHeight * ratio));
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0.925, 0.925, 0.925, 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    const distance = 3.6 * size;
    const focal = (2 * distance * state.zoom) / (1.15 * size);
    const narrow = Math.min(1, canvas.width / canvas.height);
    gl.uniformMatrix3fv(uniform('turn'), false, turnMatrix(state.yaw, state.pitch));
    gl.uniform3fv(uniform('center'), center);
    const across = (focal * narrow * canvas.height) / canvas.width;
    gl.uniform3f(uniform('lens'), across, focal * narrow, distance);
    gl.uniform1i(uniform('clay'), state.clay ? 1 : 0);
    gl.drawElements(gl.TRIANGLES, head.triangles.length, indexType, 0);
  };
  const redraw = () => {
    if (!pending) requestAnimationFrame(draw);
    pending = true;
  };
  const turn = (yaw, pitch) => {
    state.yaw += yaw;
    state.pitch = Math.max(-1.4, Math.min(1.4, state.pitch + pitch));
    redraw();
  };
  const zoom = (factor) => {
    state.zoom = Math.max(0.6, Math.min(6, state.zoom * factor));
    redraw();
  };
  listen(canvas, turn, zoom);
  new ResizeObserver(redraw).observe(canvas);
  return {
    show(weights) {
      const positions = moved(head, weights);
      fill('position', positions, 3);
      fill('normal', normalsOf(positions, head.triangles, head.welded), 3);
      redraw();
    },
    clay(on) {
      state.clay = on;
      redraw();
    },
  };
}

/** Mouse, touch (one finger turns, two zoom), wheel and arrow keys. */
function listen(canvas, turn, zoom) {
  const down = new Map();
  const spread = () => {
    const [a, b] = [...down.values()];
    return Math.hypot(a.x - b.x, a.y - b.y);
  };
  canvas.addEventListener('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId);
    down.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });
  canvas.addEventListener('pointermove', (event) => {
    const last = down.get(event.pointerId);
    if (!last) return;
    const before = down.size === 2 ? spread() : 0;
    const [dx, dy] = [event.clientX - last.x, event.clientY - last.y];
    down.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (down.size === 1) turn(dx * 0.01, dy * 0.01);
    else if (before > 0) zoom(spread() / before);
  });
  for (const name of ['pointerup', 'pointercancel']) {
    canvas.addEventListener(name, (event) => down.delete(event.pointerId));
  }
  canvas.addEventListener('wheel', (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * 0.001));
  }, { passive: false });
  canvas.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1] }[event.key];
    if (!step) return;
    event.preventDefault();
    turn(...step);
  });
}

/** One slider per shape; returns a function that sets them all. */
function makeSliders(place, names, changed) {
  const inputs = names.map((name, k) => {
    const label = document.createElement('label');
    const input = Object.assign(document.createElement('input'), { type: 'range', min: 0, max: 1, step: 0.01 });
    label.append(Object.assign(document.createElement('span'), { textContent: name }), input);
    place.append(label);
    input.addEventListener('input', () => changed(k, Number(input.value)));
    return input;
  });
  return (weights) => inputs.forEach((input, k) => { input.value = String(weights[k]); });
}

async function main() {
  const note = document.getElementById('note');
  try {
    const text = atob(document.getElementById('glb').textContent.trim());
    const head = readHead(Uint8Array.from(text, (character) => character.charCodeAt(0)));
    const bitmap = head.image
      ? await createImageBitmap(new Blob([head.image], { type: head.imageType }))
      : new ImageData(new Uint8ClampedArray([255, 255, 255, 255]), 1, 1);
    const viewer = makeViewer(document.getElementById('view'), head, bitmap);
    let weights = head.weights.slice();
    const set = makeSliders(document.getElementById('shapes'), head.names, (k, value) => {
      weights[k] = value;
      viewer.show(weights);
    });
    const all = (values) => {
      weights = values.slice();
      set(weights);
      viewer.show(weights);
    };
    document.getElementById('photo').addEventListener('click', () => all(head.weights));
    document.getElementById('rest').addEventListener('click', () => all(head.weights.map(() => 0)));
    document.getElementById('clay').addEventListener('change', (event) => viewer.clay(event.target.checked));
    all(head.weights);
    note.textContent = 'Drag to turn, wheel or two fingers to zoom, arrow keys too.';
    document.body.dataset.ready = 'yes';
  } catch (error) {
    note.textContent = `The 3D view does not run here: ${error.message}`;
  }
}

if (typeof document !== 'undefined') main();
