"use strict";
// The data of a page: nhData() is what the page states, nhArrays() the typed arrays that its references name.
const nhData = () => JSON.parse(document.getElementById("nh-data").textContent);

const nhArrays = async (index) => {
  const text = document.getElementById("nh-arrays").textContent.trim();
  const packed = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
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

// The samples of one row of a scaled array as numbers; NaN where there is none. Fine to draw, never to compute from.
const nhRow = (arrays, reference, row = 0) => {
  const { shape, values } = arrays[reference.array];
  const size = shape.slice(1).reduce((product, part) => product * part, 1);
  const part = values.subarray(row * size, (row + 1) * size);
  if (reference.low === undefined) return part;
  const low = arrays[reference.low].values[row], high = arrays[reference.high].values[row];
  return Float32Array.from(part, (byte) => (byte === 0 ? NaN : low + ((byte - 1) / 254) * (high - low)));
};
