"use strict";
// Three projections in the CCF volume, on plain canvases: they need no WebGL, and print.
const NH_PLANES = [
  {
    name: "coronal", across: ["ml", 0], down: ["dv", 1], ends: ["left", "right", "dorsal", "ventral"],
    words: "Seen from behind: the animal's left is on the left.",
  },
  {
    name: "sagittal", across: ["ap", 2], down: ["dv", 1], ends: ["anterior", "posterior", "dorsal", "ventral"],
    words: "Seen from the animal's left; both hemispheres lie over each other.",
  },
  {
    name: "horizontal", across: ["ml", 0], down: ["ap", 2], ends: ["left", "right", "anterior", "posterior"],
    words: "Seen from above: anterior is up, the animal's left is on the left.",
  },
];

const nhPlane = (canvas, plane, shapes, data) => {
  const size = { ap: data.extent_um[0], dv: data.extent_um[1], ml: data.extent_um[2] };
  const bregma = { ap: data.bregma_um[0], dv: data.bregma_um[1], ml: data.bregma_um[2] };
  const [acrossName, acrossAt] = plane.across, [downName, downAt] = plane.down;
  const margin = { left: 62, right: 16, top: 30, bottom: 48 }, outside = 700; // µm drawn around the volume
  // CSS pixels of a point: across as stored for ML and AP, y upwards is DV downwards.
  const sign = (name) => (name === "dv" ? -1 : 1);
  const um = (name, value) => sign(name) * value + size[name] / 2;

  return (colours, paints) => {
    const ratio = Math.min(window.devicePixelRatio || 1, 2), width = canvas.clientWidth;
    const perPx = (size[acrossName] + 2 * outside) / (width - margin.left - margin.right);
    const height = Math.round((size[downName] + 2 * outside) / perPx + margin.top + margin.bottom);
    canvas.height = Math.round(height * ratio); canvas.width = Math.round(width * ratio);
    canvas.style.height = `${height}px`;
    const pen = canvas.getContext("2d");
    const px = (value) => margin.left + (value + outside) / perPx, py = (value) => margin.top + (value + outside) / perPx;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.fillStyle = nhColour("paper"); pen.fillRect(0, 0, width, height);
    pen.fillStyle = nhColour("raised");
    pen.fillRect(px(0), py(0), size[acrossName] / perPx, size[downName] / perPx);
    pen.strokeStyle = nhColour("line"); pen.lineWidth = 1;
    pen.strokeRect(px(0), py(0), size[acrossName] / perPx, size[downName] / perPx);
    pen.setLineDash([4, 4]);
    pen.beginPath();
    if (acrossName === "ml") { pen.moveTo(px(size.ml / 2), py(0)); pen.lineTo(px(size.ml / 2), py(size[downName])); }
    pen.stroke();
    pen.setLineDash([]);

    const { segments, points } = shapes, { segmentRgba, pointRgba } = paints;
    // Points as pixels of an image: a rectangle for each of 300,000 took a second.
    const image = pen.createImageData(canvas.width, canvas.height);
    const pixels = new Uint32Array(image.data.buffer), rgba = new Uint32Array(pointRgba.buffer);
    const side = Math.max(1, Math.round((points.n > 20000 ? 1 : 2) * ratio));
    for (const behind of [true, false]) {
      for (let i = 0; i < points.n; i++) {
        const alpha = pointRgba[4 * i + 3];
        if (alpha === 0 || (alpha < 128) !== behind) continue;
        const x = Math.round(px(um(acrossName, points.at[3 * i + acrossAt])) * ratio - side / 2);
        const y = Math.round(py(um(downName, points.at[3 * i + downAt])) * ratio - side / 2);
        for (let v = y; v < y + side; v++) for (let u = x; u < x + side; u++) {
          if (u >= 0 && v >= 0 && u < canvas.width && v < canvas.height) pixels[v * canvas.width + u] = rgba[i];
        }
      }
    }
    const layer = new OffscreenCanvas(canvas.width, canvas.height);
    layer.getContext("2d").putImageData(image, 0, 0);
    // Tracks: one path for each colour.
    const paths = new Map(), tint = new Uint32Array(segmentRgba.buffer);
    for (let i = 0; i < segments.n; i++) {
      if (segmentRgba[4 * i + 3] === 0) continue;
      if (!paths.has(tint[i])) paths.set(tint[i], { path: new Path2D(), i });
      const { path } = paths.get(tint[i]), at = 6 * i;
      path.moveTo(px(um(acrossName, segments.ends[at + acrossAt])), py(um(downName, segments.ends[at + downAt])));
      path.lineTo(px(um(acrossName, segments.ends[at + 3 + acrossAt])), py(um(downName, segments.ends[at + 3 + downAt])));
    }
    pen.lineWidth = segments.n > 4000 ? 1 : 2; pen.lineCap = "round";
    const strokes = [...paths.values()].sort((a, b) => segmentRgba[4 * a.i + 3] - segmentRgba[4 * b.i + 3]);
    for (const { path, i } of strokes) {
      const [r, g, b, a] = segmentRgba.subarray(4 * i, 4 * i + 4);
      pen.strokeStyle = `rgba(${r}, ${g}, ${b}, ${a / 255})`;
      pen.stroke(path);
    }
    pen.setTransform(1, 0, 0, 1, 0, 0); pen.drawImage(layer, 0, 0); pen.setTransform(ratio, 0, 0, ratio, 0, 0);

    const ink = nhColour("ink"), quiet = nhColour("quiet");
    pen.strokeStyle = pen.fillStyle = ink; pen.lineWidth = 1;
    const bx = px(bregma[acrossName]), by = py(bregma[downName]);
    pen.beginPath(); pen.moveTo(bx - 5, by); pen.lineTo(bx + 5, by); pen.moveTo(bx, by - 5); pen.lineTo(bx, by + 5); pen.stroke();
    pen.font = "11px system-ui, sans-serif"; pen.fillStyle = quiet; pen.strokeStyle = quiet;
    pen.textAlign = "left"; pen.textBaseline = "bottom"; pen.fillText("bregma", bx + 6, by - 2);
    pen.beginPath();
    pen.textAlign = "center"; pen.textBaseline = "top";
    const step = 2000 / perPx > 44 ? 2000 : 4000; // numbers keep clear of each other
    for (let value = 0; value <= size[acrossName]; value += step) {
      const x = px(value), y = py(size[downName] + outside);
      pen.moveTo(x, y); pen.lineTo(x, y + 4); pen.fillText(value.toLocaleString("en"), x, y + 6);
    }
    pen.textAlign = "right"; pen.textBaseline = "middle";
    for (let value = 0; value <= size[downName]; value += 2000) {
      const x = px(-outside), y = py(value);
      pen.moveTo(x, y); pen.lineTo(x - 4, y); pen.fillText(value.toLocaleString("en"), x - 6, y);
    }
    pen.stroke();
    pen.fillStyle = ink; pen.font = "12px system-ui, sans-serif";
    const middleX = px(size[acrossName] / 2), bottom = height - 8;
    pen.textBaseline = "alphabetic"; pen.textAlign = "center";
    pen.fillText(`${acrossName.toUpperCase()} (µm, CCF)`, middleX, bottom);
    pen.textAlign = "left"; pen.fillText(`← ${plane.ends[0]}`, px(-outside), bottom);
    pen.textAlign = "right"; pen.fillText(`${plane.ends[1]} →`, px(size[acrossName] + outside), bottom);
    pen.save(); pen.translate(12, py(size[downName] / 2)); pen.rotate(-Math.PI / 2);
    pen.textAlign = "center"; pen.fillText(`← ${plane.ends[3]}   ${downName.toUpperCase()} (µm, CCF)   ${plane.ends[2]} →`, 0, 0);
    pen.restore();
    pen.font = "600 13px system-ui, sans-serif"; pen.textAlign = "left";
    pen.fillText(plane.name, px(-outside), 18);
  };
};
