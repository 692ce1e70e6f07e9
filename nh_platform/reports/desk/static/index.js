"use strict";
// The desk's first page: fills the queue and moves in it by keys. Texts are set as text, never as markup.
(() => {
  const settings = JSON.parse(document.querySelector('meta[name="nh-desk"]').content);
  const at = (id) => document.getElementById(id);
  const buttons = [...document.querySelectorAll("#reasons button")];
  const kept = (() => { try { return JSON.parse(localStorage.getItem("nh-reviewer")); } catch { return null; } })();
  at("reviewer").value = settings.reviewer || kept || "";
  at("blind").hidden = !settings.blind;
  let reason = new URLSearchParams(location.hash.slice(1)).get("reason") || "near", more = null, asked = 0;

  const cell = (text, tag = "span") => {
    const made = document.createElement(tag);
    made.textContent = text;
    return made;
  };
  const link = (item) => {
    const place = `/sessions/${encodeURIComponent(item.source)}/${encodeURIComponent(item.session)}`;
    const unit = item.unit ? `#${new URLSearchParams({ unit: item.unit })}` : "";
    const made = document.createElement("a");
    made.href = `${place}?${new URLSearchParams({ queue: reason })}${unit}`;
    made.append(cell(`${item.source} ${item.session}`), cell(item.name), cell(item.region), cell(item.text));
    const row = document.createElement("li");
    row.append(made);
    return row;
  };

  const look = async (begin) => {
    const mine = ++asked;
    if (!begin) at("queue").replaceChildren();
    at("problems").replaceChildren();
    at("queue-said").textContent = "looking …";
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.reason === reason));
    const query = new URLSearchParams({ reason, reviewer: at("reviewer").value.trim(), ...(begin || {}) });
    let found;
    try {
      const answer = await fetch(`${location.origin}/api/queue?${query}`);
      const text = await answer.text();
      found = answer.headers.get("content-type")?.startsWith("application/json") ? JSON.parse(text) : { error: { found: text, action: "" } };
    } catch (error) {
      found = { error: { found: `the desk does not answer (${error.message})`, action: "Is it still running?" } };
    }
    if (mine !== asked) return;
    if (found.error) {
      at("queue-said").textContent = `${found.error.found} ${found.error.action}`;
      return;
    }
    at("queue").append(...found.items.map(link));
    at("problems").append(...found.problems.map((text) => cell(text, "li")));
    more = found.more;
    at("queue-more").hidden = !more;
    const shown = at("queue").children.length;
    const seen = more ? `${found.n_looked} of ${found.n_sessions} sessions looked at` : `${found.n_sessions} sessions`;
    at("queue-said").textContent = shown ? `${shown} ${shown === 1 ? "thing" : "things"}, ${seen}` : `nothing waits in ${seen}`;
  };
  const choose = (name) => {
    reason = name;
    history.replaceState(null, "", `#${new URLSearchParams({ reason })}`);
    look(null);
  };
  const move = (step) => {
    const links = [...document.querySelectorAll("#queue a")];
    const now = links.indexOf(document.activeElement);
    links[Math.max(0, Math.min(links.length - 1, now < 0 ? 0 : now + step))]?.focus();
  };

  for (const button of buttons) button.addEventListener("click", () => choose(button.dataset.reason));
  at("queue-more").addEventListener("click", () => look(more));
  at("reader").addEventListener("submit", (event) => event.preventDefault());
  at("reviewer").addEventListener("change", () => {
    try { localStorage.setItem("nh-reviewer", JSON.stringify(at("reviewer").value.trim())); } catch { /* no storage: asked again */ }
    look(null);
  });
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
    const number = Number(event.key);
    if (event.key === "j" || event.key === "ArrowDown") move(1);
    else if (event.key === "k" || event.key === "ArrowUp") move(-1);
    else if (number >= 1 && number <= buttons.length) choose(buttons[number - 1].dataset.reason);
    else return;
    event.preventDefault();
  });
  look(null);
})();
