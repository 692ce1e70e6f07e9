"use strict";
// The view in three dimensions: WebGL2, an orthographic camera that turns. Names of directions are on a canvas above it.
const NH_VIEWS = {
  oblique: [-35, 28], above: [0, 90], behind: [0, 0], left: [90, 0], front: [180, 0],
};

const nhSpace = (canvas, words, shapes, surface) => {
  const gl = canvas.getContext("webgl2", { antialias: true, alpha: true, premultipliedAlpha: false });
  if (!gl) return null;
  const program = (vertex, fragment) => {
    const made = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, `#version 300 es\nprecision highp float;\n${text}`);
      gl.compileShader(shader);
      if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
      gl.attachShader(made, shader);
    }
    gl.linkProgram(made);
    if (!gl.getProgramParameter(made, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(made));
    const at = (name) => gl.getUniformLocation(made, name);
    return { made, at };
  };
  // Drawn in two passes: what is behind the chosen insertion first, without depth, so that it hides nothing.
  const skip = "bool skipped = (colour.a < 0.5) != behind || colour.a < 0.01; ";
  const lines = program(
    `layout(location=0) in vec3 from; layout(location=1) in vec3 to; layout(location=2) in vec4 colour;
     uniform mat4 m; uniform vec2 size; uniform float width; uniform bool behind; out vec4 shade;
     void main() { ${skip}
       vec4 a = m * vec4(from, 1.0), b = m * vec4(to, 1.0);
       vec2 d = (b.xy - a.xy) * size; d = length(d) > 1e-6 ? normalize(d) : vec2(1.0, 0.0);
       float end = float(gl_VertexID / 2), side = float(gl_VertexID % 2) * 2.0 - 1.0;
       vec4 p = mix(a, b, end); p.xy += (vec2(-d.y, d.x) * side + d * (end * 2.0 - 1.0) * 0.3) * width / size;
       gl_Position = skipped ? vec4(2.0, 2.0, 2.0, 1.0) : p; shade = colour; }`,
    "in vec4 shade; out vec4 seen; void main() { seen = shade; }",
  );
  const discs = program(
    `layout(location=0) in vec3 at; layout(location=1) in vec4 colour; layout(location=2) in float many;
     uniform mat4 m; uniform float width; uniform bool behind; out vec4 shade;
     void main() { ${skip}
       gl_Position = skipped ? vec4(2.0, 2.0, 2.0, 1.0) : m * vec4(at, 1.0);
       gl_PointSize = width * (1.0 + 0.25 * sqrt(min(many, 16.0) - 1.0)); shade = colour; }`,
    `in vec4 shade; out vec4 seen;
     void main() { if (length(gl_PointCoord - 0.5) > 0.5) discard; seen = shade; }`,
  );
  const skins = program(
    `layout(location=0) in vec3 at; layout(location=1) in vec3 normal; uniform mat4 m; uniform mat4 turn; out float edge;
     void main() { gl_Position = m * vec4(at, 1.0); edge = 1.0 - abs((turn * vec4(normal, 0.0)).z); }`,
    `in float edge; uniform vec3 ink; out vec4 seen;
     void main() { seen = vec4(ink, 0.05 + 0.3 * pow(edge, 2.0)); }`,
  );
  const buffer = (values, use = gl.STATIC_DRAW) => {
    const made = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, made);
    gl.bufferData(gl.ARRAY_BUFFER, values, use);
    return made;
  };
  const attribute = (place, made, size, kind, { normal = false, stride = 0, offset = 0, each = 0 } = {}) => {
    gl.bindBuffer(gl.ARRAY_BUFFER, made);
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, size, kind, normal, stride, offset);
    gl.vertexAttribDivisor(place, each);
  };
  const { segments, points } = shapes;
  const segmentRgba = buffer(new Uint8Array(4 * segments.n), gl.DYNAMIC_DRAW);
  const pointRgba = buffer(new Uint8Array(4 * points.n), gl.DYNAMIC_DRAW);
  const ofLines = gl.createVertexArray();
  gl.bindVertexArray(ofLines);
  const ends = buffer(segments.ends);
  attribute(0, ends, 3, gl.FLOAT, { stride: 24, each: 1 });
  attribute(1, ends, 3, gl.FLOAT, { stride: 24, offset: 12, each: 1 });
  attribute(2, segmentRgba, 4, gl.UNSIGNED_BYTE, { normal: true, each: 1 });
  const ofDiscs = gl.createVertexArray();
  gl.bindVertexArray(ofDiscs);
  attribute(0, buffer(points.at), 3, gl.FLOAT);
  attribute(1, pointRgba, 4, gl.UNSIGNED_BYTE, { normal: true });
  attribute(2, buffer(Float32Array.from(points.count)), 1, gl.FLOAT);
  let ofSkin = null;
  if (surface) {
    ofSkin = gl.createVertexArray();
    gl.bindVertexArray(ofSkin);
    attribute(0, buffer(surface.at), 3, gl.FLOAT);
    attribute(1, buffer(surface.normals), 3, gl.FLOAT);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, surface.triangles, gl.STATIC_DRAW);
  }
  gl.bindVertexArray(null);

  const camera = { yaw: NH_VIEWS.oblique[0], pitch: NH_VIEWS.oblique[1], zoom: 1, x: 0, y: 0 };
  const reach = Math.hypot(shapes.size.x, shapes.size.y, shapes.size.z) / 2;
  let alphas = { segmentRgba: null, pointRgba: null };

  // Rows of the turning: columns x, y, z of what is drawn; z' points to the viewer.
  const turning = () => {
    const rad = Math.PI / 180, a = camera.yaw * rad, b = camera.pitch * rad;
    const [ca, sa, cb, sb] = [Math.cos(a), Math.sin(a), Math.cos(b), Math.sin(b)];
    return [[ca, 0, sa], [sb * sa, cb, -sb * ca], [-cb * sa, sb, cb * ca]];
  };
  const scales = () => {
    const half = Math.min(canvas.width / 1.75, canvas.height / 1.25) / 2;
    const k = (camera.zoom * half) / (shapes.size.z / 2);
    return { kx: (2 * k) / canvas.width, ky: (2 * k) / canvas.height, kz: 1 / (2 * reach * Math.max(1, camera.zoom)) };
  };
  const matrices = () => {
    const [rx, ry, rz] = turning(), { kx, ky, kz } = scales();
    const column = (i) => [rx[i] * kx, ry[i] * ky, -rz[i] * kz, 0];
    const m = new Float32Array([...column(0), ...column(1), ...column(2), camera.x, camera.y, 0, 1]);
    const turn = new Float32Array([0, 1, 2].flatMap((i) => [rx[i], ry[i], rz[i], 0]).concat([0, 0, 0, 1]));
    return { m, turn };
  };
  const project = (x, y, z) => {
    const [rx, ry, rz] = turning(), { kx, ky } = scales();
    const along = (row) => row[0] * x + row[1] * y + row[2] * z;
    return [
      ((along(rx) * kx + camera.x + 1) / 2) * canvas.width, ((1 - along(ry) * ky - camera.y) / 2) * canvas.height,
      along(rz),
    ];
  };

  const resize = () => {
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    for (const one of [canvas, words]) {
      one.width = Math.max(1, Math.round(canvas.clientWidth * ratio));
      one.height = Math.max(1, Math.round(canvas.clientHeight * ratio));
    }
    return ratio;
  };
  let ratio = resize();

  const label = () => {
    const pen = words.getContext("2d");
    const { x, y, z } = shapes.size;
    pen.clearRect(0, 0, words.width, words.height);
    pen.lineWidth = ratio;
    pen.strokeStyle = nhColour("line");
    pen.beginPath();
    for (const p of [-1, 1]) for (const q of [-1, 1]) {
      const edges = [
        [[-x, p * y, q * z], [x, p * y, q * z]], [[p * x, -y, q * z], [p * x, y, q * z]],
        [[p * x, q * y, -z], [p * x, q * y, z]],
      ];
      for (const [from, to] of edges) {
        const [ax, ay] = project(from[0] / 2, from[1] / 2, from[2] / 2);
        const [bx, by] = project(to[0] / 2, to[1] / 2, to[2] / 2);
        pen.moveTo(ax, ay); pen.lineTo(bx, by);
      }
    }
    pen.stroke();
    pen.font = `600 ${13 * ratio}px system-ui, sans-serif`;
    pen.textAlign = "center"; pen.textBaseline = "middle";
    const named = [
      ["left", -x, 0, 0], ["right", x, 0, 0], ["dorsal", 0, y, 0], ["ventral", 0, -y, 0], ["anterior", 0, 0, -z],
      ["posterior", 0, 0, z],
    ];
    const clear = Math.min(words.width, words.height) * 0.06;
    const [mx, my] = project(0, 0, 0);
    for (const [text, px, py, pz] of named) {
      const [ax, ay] = project(px * 0.54, py * 0.56, pz * 0.54);
      if (Math.hypot(ax - mx, ay - my) < clear) continue; // seen along this axis
      pen.lineWidth = 3 * ratio; pen.strokeStyle = nhColour("paper"); pen.strokeText(text, ax, ay);
      pen.fillStyle = nhColour("ink"); pen.fillText(text, ax, ay);
    }
    const [ax] = project(0, 0, 0), turned = scales().kx * words.width / 2, bar = 2000 * turned;
    pen.textAlign = "left"; pen.lineWidth = 2 * ratio; pen.strokeStyle = pen.fillStyle = nhColour("ink");
    pen.beginPath();
    pen.moveTo(16 * ratio, words.height - 16 * ratio); pen.lineTo(16 * ratio + bar, words.height - 16 * ratio);
    pen.stroke();
    pen.font = `${12 * ratio}px system-ui, sans-serif`;
    pen.fillText("2,000 µm", 16 * ratio, words.height - 28 * ratio);
    return ax;
  };

  const draw = () => {
    const { m, turn } = matrices();
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.enable(gl.DEPTH_TEST); gl.enable(gl.BLEND);
    gl.blendFuncSeparate(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA, gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    const few = Math.max(1, Math.min(2, 30 / Math.sqrt(1 + segments.n / 20))); // few probes are drawn thicker
    for (const behind of [true, false]) {
      gl.depthMask(!behind);
      gl.useProgram(lines.made);
      gl.uniformMatrix4fv(lines.at("m"), false, m);
      gl.uniform2f(lines.at("size"), canvas.width, canvas.height);
      gl.uniform1f(lines.at("width"), 0.75 * few * ratio);
      gl.uniform1i(lines.at("behind"), behind);
      gl.bindVertexArray(ofLines);
      gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, segments.n);
      gl.useProgram(discs.made);
      gl.uniformMatrix4fv(discs.at("m"), false, m);
      gl.uniform1f(discs.at("width"), 1.6 * few * ratio * Math.sqrt(camera.zoom));
      gl.uniform1i(discs.at("behind"), behind);
      gl.bindVertexArray(ofDiscs);
      gl.drawArrays(gl.POINTS, 0, points.n);
    }
    if (ofSkin) {
      gl.depthMask(false);
      gl.useProgram(skins.made);
      gl.uniformMatrix4fv(skins.at("m"), false, m);
      gl.uniformMatrix4fv(skins.at("turn"), false, turn);
      gl.uniform3fv(skins.at("ink"), nhRgb(nhColour("quiet")).map((v) => v / 255));
      gl.bindVertexArray(ofSkin);
      gl.drawElements(gl.TRIANGLES, surface.triangles.length, gl.UNSIGNED_INT, 0);
      gl.depthMask(true);
    }
    gl.bindVertexArray(null);
    label();
  };
  let waits = false;
  const redraw = () => {
    if (waits) return;
    waits = true;
    requestAnimationFrame(() => { waits = false; draw(); });
  };
  const paint = (colours) => {
    alphas = colours;
    for (const [made, values] of [[segmentRgba, colours.segmentRgba], [pointRgba, colours.pointRgba]]) {
      gl.bindBuffer(gl.ARRAY_BUFFER, made);
      gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW);
    }
    redraw();
  };

  // The insertion whose point or vertex is nearest to a place of the canvas (CSS pixels), of those within 12.
  const pick = (cssX, cssY) => {
    const x = cssX * ratio, y = cssY * ratio, far = 12 * ratio;
    let best = null, least = far * far;
    const [rx, ry, rz] = turning(), { kx, ky } = scales();
    const look = (at, n, stride, rgba, found) => {
      for (let i = 0; i < n; i++) {
        if (rgba[4 * i + 3] < 128) continue;
        const j = stride * i, px = at[j], py = at[j + 1], pz = at[j + 2];
        const sx = (((rx[0] * px + rx[1] * py + rx[2] * pz) * kx + camera.x + 1) / 2) * canvas.width - x;
        if (sx > far || sx < -far) continue;
        const sy = ((1 - (ry[0] * px + ry[1] * py + ry[2] * pz) * ky - camera.y) / 2) * canvas.height - y;
        const depth = rz[0] * px + rz[1] * py + rz[2] * pz;
        const away = sx * sx + sy * sy - depth * 1e-3; // of two at one place the nearer
        if (sx * sx + sy * sy < far * far && away < least) { least = away; best = found(i); }
      }
    };
    if (!alphas.pointRgba) return null;
    look(segments.ends, segments.n, 6, alphas.segmentRgba, (i) => ({
      insertion: segments.insertion[i], region: segments.region[i], at: segments.ends.subarray(6 * i, 6 * i + 3),
    }));
    look(points.at, points.n, 3, alphas.pointRgba, (i) => ({
      insertion: points.insertion[i], region: points.region[i], label: points.label[i], count: points.count[i],
      at: points.at.subarray(3 * i, 3 * i + 3),
    }));
    return best;
  };
  const turn = (yaw, pitch) => {
    camera.yaw = ((camera.yaw + yaw + 540) % 360) - 180;
    camera.pitch = Math.max(-90, Math.min(90, camera.pitch + pitch));
    redraw();
  };
  const look = (name) => {
    [camera.yaw, camera.pitch] = NH_VIEWS[name];
    Object.assign(camera, { zoom: 1, x: 0, y: 0 });
    redraw();
  };
  const zoom = (by) => { camera.zoom = Math.max(0.4, Math.min(40, camera.zoom * by)); redraw(); };
  const move = (cssX, cssY) => {
    camera.x += (2 * cssX * ratio) / canvas.width; camera.y -= (2 * cssY * ratio) / canvas.height; redraw();
  };
  new ResizeObserver(() => { ratio = resize(); draw(); }).observe(canvas);
  return { camera, draw, redraw, paint, pick, turn, look, zoom, move };
};

// The surface with a normal at every vertex.
const nhSurface = (data, arrays, shapes) => {
  if (!data.surface) return null;
  const at = shapes.placed(data.surface.vertices), triangles = arrays[data.surface.triangles.array].values;
  const normals = new Float32Array(at.length);
  for (let i = 0; i < triangles.length; i += 3) {
    const [a, b, c] = [3 * triangles[i], 3 * triangles[i + 1], 3 * triangles[i + 2]];
    const u = [0, 1, 2].map((k) => at[b + k] - at[a + k]), v = [0, 1, 2].map((k) => at[c + k] - at[a + k]);
    const n = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
    for (const corner of [a, b, c]) for (let k = 0; k < 3; k++) normals[corner + k] += n[k];
  }
  for (let i = 0; i < normals.length; i += 3) {
    const size = Math.hypot(normals[i], normals[i + 1], normals[i + 2]) || 1;
    for (let k = 0; k < 3; k++) normals[i + k] /= size;
  }
  return { at, triangles, normals };
};
