"use strict";
// The page: its table and legend, and what keys and buttons do to the views.
const nhProbePage = async () => {
  const started = performance.now();
  const data = nhData(), arrays = await nhArrays(data.arrays);
  const shapes = nhGeometry(data, arrays);
  const $ = (id) => document.getElementById(id);
  const make = (tag, text = "", className = "") => {
    const one = document.createElement(tag);
    if (text !== "") one.textContent = text;
    if (className) one.className = className;
    return one;
  };
  const plural = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;
  const insertions = data.insertions;
  const state = { mode: "region", hidden: new Set(), kinds: new Set(["track", 0, 1, 2, 3]), chosen: null };

  // Words
  document.title = data.title;
  $("title").textContent = data.title;
  const sessions = new Set(insertions.filter((one) => one.session_id).map((one) => `${one.source}/${one.session_id}`)).size;
  const sides = ["left", "right", "both"].map((side) => [side, insertions.filter((one) => one.side === side).length]);
  const n_units = insertions.reduce((sum, one) => sum + one.units, 0);
  $("summary").textContent =
    `${plural(insertions.length, "insertion")}${sessions ? ` of ${plural(sessions, "session")}` : ""}, ${plural(n_units, "unit")}; ` +
    sides.filter(([, n]) => n).map(([side, n]) => (side === "both" ? `${n} cross the midline` : `${n} in the ${side} hemisphere`)).join(", ") +
    (data.not_drawn.length ? `; ${data.not_drawn.length} more without a position are listed below.` : ".");
  const notes = [
    "Positions are µm of the Allen CCF: AP grows to the back, DV down, ML from the animal's left to its right. Allen's own releases count ML from right to left; they are drawn in the hemisphere that was recorded.",
    data.labelled_by.length ? `Good units: ${data.labelled_by.join("; ")}.` : "No label of the units is known here.",
    "Colours of regions are those of the Allen ontology. A point is a place with units; it is larger where there are several.",
    data.surface
      ? `The surface is that of ${data.surface_from}, a BrainGlobe atlas on the machine that made this page. It is content of the Allen Institute: its terms hold for passing this page on.`
      : `No surface of the brain is drawn: this machine has no Allen atlas of BrainGlobe, and none is shipped. To get one: ${data.surface_from}; then make the page again.`,
    ...data.notes,
  ];
  for (const text of notes) $("notes").append(make("li", text));

  // Tables
  const columns = [
    ["source", "source"], ["probe", "probe"], ["insertion", "insertion_id"], ["session", "session_id"], ["subject", "subject"],
    ["date", "date"], ["lab", "lab"], ["release", "release"], ["side", "side"], ["channels", "channels", true],
    ["units", "units", true], ["good", "good", true], ["regions", "regions"],
  ];
  const heads = (row, names) => {
    for (const [text, , number] of names) {
      const cell = make("th", text, number ? "number" : "");
      cell.scope = "col";
      row.append(cell);
    }
    return row;
  };
  $("head").append(heads(make("tr"), [["", ""], ...columns]));
  const rows = insertions.map((one, i) => {
    const row = make("tr"), first = make("td"), button = make("button", "show");
    button.type = "button";
    button.setAttribute("aria-label", `show ${one.probe || one.insertion_id} of ${one.session_id || one.source}`);
    button.addEventListener("click", () => choose(i));
    first.append(button);
    row.append(first);
    for (const [, name, number] of columns) row.append(make("td", typeof one[name] === "number" ? one[name].toLocaleString("en") : one[name], number ? "number" : name === "date" ? "whole" : ""));
    return row;
  });
  $("rows").append(...rows);
  if (data.not_drawn.length) {
    const lacking = [...columns.slice(0, 8), ["why", "why"]];
    $("not-drawn").hidden = false;
    $("not-drawn-title").textContent = `Not drawn: ${plural(data.not_drawn.length, "insertion")} without a position`;
    $("not-drawn-head").append(heads(make("tr"), lacking));
    for (const one of data.not_drawn) {
      const row = make("tr");
      for (const [, name] of lacking) row.append(make("td", one[name]));
      $("not-drawn-rows").append(row);
    }
  }

  // Views
  const space = nhSpace($("space"), $("space-words"), shapes, nhSurface(data, arrays, shapes));
  if (!space) {
    $("space-none").hidden = false;
    $("space-none").textContent = "This browser has no WebGL2; the projections below show the same.";
  }
  $("space").setAttribute("aria-label", "View of the insertions in three dimensions");
  const planes = NH_PLANES.map((plane) => {
    const figure = make("figure", "", "plane"), canvas = make("canvas"), bar = make("div", "", "bar"), png = make("button", "PNG");
    figure.style.margin = "0";
    canvas.id = `plane-${plane.name}`;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${plane.name} projection. ${plane.words}`);
    png.type = "button"; png.dataset.png = plane.name;
    png.setAttribute("aria-label", `PNG of the ${plane.name} projection`);
    bar.append(make("p", plane.words), png);
    figure.append(canvas, bar);
    $("planes").append(figure);
    return { canvas, draw: nhPlane(canvas, plane, shapes, data) };
  });

  let colouring = null;
  const paint = () => {
    const paints = nhPaint(shapes, colouring, state);
    if (space) space.paint(paints);
    for (const plane of planes) plane.draw(colouring, paints);
  };
  const legend = () => {
    const list = $("legend");
    list.replaceChildren();
    const counts = new Map(), add = (number, insertion) => {
      if (!counts.has(number)) counts.set(number, new Set());
      counts.get(number).add(insertion);
    };
    colouring.ofSegment.forEach((number, i) => add(number, shapes.segments.insertion[i]));
    colouring.ofPoint.forEach((number, i) => add(number, shapes.points.insertion[i]));
    const order = [...counts].sort((a, b) => b[1].size - a[1].size || (colouring.names[a[0]] < colouring.names[b[0]] ? -1 : 1));
    for (const [number, found] of order) {
      const item = make("li"), button = make("button", "", "key"), swatch = make("span", "", "swatch");
      swatch.style.background = colouring.colours[number];
      button.type = "button";
      button.setAttribute("aria-pressed", String(!state.hidden.has(number)));
      button.append(swatch, make("span", colouring.names[number]), make("span", String(found.size), "n"));
      button.setAttribute("aria-label", `${colouring.names[number]}, ${plural(found.size, "insertion")}`);
      button.addEventListener("click", () => {
        if (!state.hidden.delete(number)) state.hidden.add(number);
        button.setAttribute("aria-pressed", String(!state.hidden.has(number)));
        paint();
      });
      item.append(button);
      list.append(item);
    }
    $("legend-hint").textContent = `${plural(order.length, "colour")}, with the number of insertions; press one to hide or show it.`;
  };
  const colour = (mode) => {
    state.mode = mode;
    state.hidden.clear();
    colouring = nhColouring(data, shapes, mode);
    for (const button of document.querySelectorAll("[data-colour]")) button.setAttribute("aria-pressed", String(button.dataset.colour === mode));
    $("legend-title").textContent = `Colours: ${mode}`;
    $("space-text").textContent = `Coloured by ${mode}. Drag to turn, shift and drag to move, wheel to zoom, click an insertion for its name.`;
    history.replaceState(null, "", `#colour=${mode}`);
    legend();
    paint();
  };

  // Which kinds are drawn
  const used = new Set(shapes.points.label);
  const kinds = [["track", "tracks"], [0, "good units"], [1, "other units"], [2, "units without a label"], [3, "channels"]];
  for (const [kind, text] of kinds) {
    if (kind !== "track" && !used.has(kind)) continue;
    const button = make("button", text);
    button.type = "button";
    button.dataset.kind = kind;
    button.setAttribute("aria-pressed", "true");
    button.addEventListener("click", () => {
      if (!state.kinds.delete(kind)) state.kinds.add(kind);
      button.setAttribute("aria-pressed", String(state.kinds.has(kind)));
      paint();
    });
    $("kinds").append(button);
  }

  // Choosing
  const words = (one) => `${one.probe || one.insertion_id}${one.session_id ? ` of ${one.session_id}` : ""} (${[one.source, one.subject, one.lab, one.date].filter(Boolean).join(", ")})`;
  const choose = (i, more = "") => {
    if (state.chosen !== null) rows[state.chosen].classList.remove("chosen");
    state.chosen = i;
    if (i === null) {
      $("picked").textContent = "";
    } else {
      const one = insertions[i];
      rows[i].classList.add("chosen");
      rows[i].parentElement.parentElement.parentElement.scrollTop = rows[i].offsetTop - 60;
      $("picked").textContent = `${words(one)}: ${plural(one.units, "unit")}, ${one.good.toLocaleString("en")} good; ${one.regions}; ${one.side === "both" ? "both hemispheres" : `${one.side} hemisphere`}${more}`;
    }
    paint();
  };
  const step = (by) => {
    if (!insertions.length) return;
    const from = state.chosen ?? (by > 0 ? -1 : 0);
    choose((from + by + insertions.length) % insertions.length);
  };
  const place = (found) => {
    const { ap, dv, ml } = shapes.um(...found.at), whole = (value) => Math.round(value).toLocaleString("en");
    const label = found.label === undefined ? "" : `, ${found.label === 3 ? "channel" : `${plural(found.count, "unit")} ${["good", "not good", "without a label"][found.label]}`}`;
    return `; here ${data.regions[found.region][0]}${label}, AP ${whole(ap)}, DV ${whole(dv)}, ML ${whole(ml)} µm`;
  };

  // PNG
  const save = (name) => {
    const plane = planes.find(({ canvas }) => canvas.id === `plane-${name}`);
    const picture = make("canvas");
    const source = plane ? plane.canvas : $("space");
    const foot = 34 * (source.width / source.clientWidth);
    picture.width = source.width; picture.height = source.height + foot;
    const pen = picture.getContext("2d");
    pen.fillStyle = nhColour("paper"); pen.fillRect(0, 0, picture.width, picture.height);
    if (plane) pen.drawImage(source, 0, 0);
    else { pen.drawImage($("space-words"), 0, 0); space.draw(); pen.drawImage(source, 0, 0); }
    pen.fillStyle = nhColour("ink");
    pen.font = `${foot * 0.38}px system-ui, sans-serif`;
    pen.fillText(`${data.title}. ${plural(insertions.length, "insertion")}, coloured by ${state.mode}; Allen CCF, µm`, foot * 0.4, source.height + foot * 0.62, picture.width - foot);
    picture.toBlob((blob) => {
      const link = make("a");
      link.href = URL.createObjectURL(blob);
      link.download = `probes-${name}.png`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    });
  };

  // Turning by itself
  let spinning = false;
  const spin = (on) => {
    spinning = on && Boolean(space);
    $("spin").setAttribute("aria-pressed", String(spinning));
    let last = null;
    const frame = (now) => {
      if (!spinning) return;
      if (last !== null) space.turn((now - last) * 0.024, 0);
      last = now;
      requestAnimationFrame(frame);
    };
    if (spinning) requestAnimationFrame(frame);
  };

  const turns = { left: [-10, 0], right: [10, 0], up: [0, 10], down: [0, -10] };
  const modes = ["region", "lab", "release", "label"];
  const keys = {
    ArrowLeft: () => space?.turn(...turns.left), ArrowRight: () => space?.turn(...turns.right),
    ArrowUp: () => space?.turn(...turns.up), ArrowDown: () => space?.turn(...turns.down),
    "+": () => space?.zoom(1.25), "=": () => space?.zoom(1.25), "-": () => space?.zoom(0.8),
    1: () => space?.look("oblique"), 2: () => space?.look("above"), 3: () => space?.look("behind"), 4: () => space?.look("left"),
    5: () => space?.look("front"), " ": () => spin(!spinning), c: () => colour(modes[(modes.indexOf(state.mode) + 1) % modes.length]),
    j: () => step(1), k: () => step(-1), Escape: () => choose(null), s: () => save(space ? "space" : "coronal"),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    const on = event.target;
    if (event.key === " " && on.tagName === "BUTTON") return; // presses it
    if (event.key.startsWith("Arrow") && on.closest(".scroll")) return; // scrolls
    event.preventDefault();
    keys[event.key]();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const { colour: mode, view, turn, zoom, png } = button.dataset;
    if (mode) colour(mode);
    if (view) space?.look(view);
    if (turn) space?.turn(...turns[turn]);
    if (zoom) space?.zoom(zoom === "in" ? 1.25 : 0.8);
    if (png) save(png === "space" && !space ? "coronal" : png);
  });
  $("spin").addEventListener("click", () => spin(!spinning));
  $("next").addEventListener("click", () => step(1));
  $("previous").addEventListener("click", () => step(-1));
  $("clear").addEventListener("click", () => choose(null));

  // Pointer
  if (space) {
    const canvas = $("space");
    let held = null;
    canvas.addEventListener("pointerdown", (event) => {
      held = { x: event.clientX, y: event.clientY, moved: 0 };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!held) return;
      const dx = event.clientX - held.x, dy = event.clientY - held.y;
      Object.assign(held, { x: event.clientX, y: event.clientY, moved: held.moved + Math.abs(dx) + Math.abs(dy) });
      if (event.shiftKey) space.move(dx, dy);
      else space.turn(dx * 0.4, dy * 0.4);
    });
    canvas.addEventListener("pointerup", (event) => {
      const clicked = held && held.moved < 5;
      held = null;
      if (!clicked) return;
      const box = canvas.getBoundingClientRect(), found = space.pick(event.clientX - box.left, event.clientY - box.top);
      if (found) choose(found.insertion, place(found));
      else choose(null);
    });
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      space.zoom(Math.exp(-event.deltaY * 0.0015));
    }, { passive: false });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => colour(state.mode));
  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return;
    width = window.innerWidth;
    paint();
  });

  const asked = new URLSearchParams(location.hash.slice(1)).get("colour");
  colour(modes.includes(asked) ? asked : "region");
  if (space) space.draw();
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
  document.documentElement.dataset.drawn = String(Math.round(performance.now() - started));
};
nhProbePage();
