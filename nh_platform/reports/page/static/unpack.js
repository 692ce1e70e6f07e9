"use strict";
// The data of a page: nhData() is what the page states, nhArrays() the typed arrays that its references name.
const nhData = () => JSON.parse(document.getElementById("nh-data").textContent);

const nhBytes = (text) => {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = characters.charCodeAt(at);
  return bytes;
};

const nhArrays = async (index) => {
  const packed = nhBytes(document.getElementById("nh-arrays").textContent.trim());
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = await new Response(stream).arrayBuffer();
  const types = {
    float32: Float32Array, float64: Float64Array, uint8: Uint8Array, uint16: Uint16Array, int32: Int32Array,
    uint32: Uint32Array,
  };
  return index.map(({ type, shape, offset }) => {
    const length = shape.reduce((product, size) => product * size, 1);
    return { shape, values: new types[type](bytes, offset, length) };
  });
};

// The samples of one row of an array as numbers; NaN where there is none. Of a scaled one: fine to draw, never to
// compute from.
const nhRow = (arrays, reference, row = 0) => {
  const { shape, values } = arrays[reference.array];
  const size = shape.slice(1).reduce((product, part) => product * part, 1);
  const part = values.subarray(row * size, (row + 1) * size);
  if (reference.low === undefined) return part;
  const low = arrays[reference.low].values[row], high = arrays[reference.high].values[row];
  const step = (high - low) / (values instanceof Uint16Array ? 65534 : 254);
  return Float32Array.from(part, (level) => (level === 0 ? NaN : low + (level - 1) * step));
};
