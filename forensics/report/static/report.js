"use strict";
/* The report reads without this script. It adds: the timeline explorer, sorting, filtering, copying, deep links, the
   theme button. Text from outside reaches the page through textContent and fillText only; the policy in the page's
   head forbids the rest (Trusted Types 'none'). No dependency, nothing stored, nothing loaded. */
(() => {
  const D = JSON.parse(document.getElementById("data").textContent);
  const root = document.documentElement, byId = (id) => document.getElementById(id);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const R = D.runs, B = D.bars, E = D.effects, N = R.id.length;
  // Columns as timeline.py shortened them: differences, references, exceptions, results by number, bars by lane.
  const spread = (pairs, usual) => { const column = new Array(N).fill(usual); for (const [i, v] of pairs) column[i] = v; return column; };
  const summed = (column) => { let sum = 0; return column.map((v) => (typeof v === "string" ? v : sum += v)); };
  R.id = summed(R.id);
  R.asked = summed(R.asked);
  R.sha = R.sha.map((v) => (typeof v === "number" ? R.sha[v] : v));
  R.attempt = spread(R.attempt, 1);
  R.repository = spread(R.repository, 0);
  R.state = R.result.map((r) => R.results[r][1]);
  R.result = R.result.map((r) => R.results[r][0]);
  B.lane = B.count.flatMap((n, lane) => new Array(n).fill(lane));
  const text = (n) => (n < 0 ? "" : D.s[n]);
  root.classList.add("scripted");

  const make = (tag, content, attributes = {}) => {
    const node = document.createElement(tag);
    for (const name of Object.keys(attributes)) node.setAttribute(name, attributes[name]);
    node.append(...(Array.isArray(content) ? content : [content]));
    return node;
  };
  let saying = 0;
  const say = (sentence) => {
    clearTimeout(saying);
    saying = setTimeout(() => { byId("status").textContent = sentence; }, 120);
  };

  // Words for times, as text.py has them.
  const two = (n) => String(n).padStart(2, "0");
  const duration = (s) => s < 0 ? "–" : s < 60 ? `${s} s` : s < 3600 ? `${Math.floor(s / 60)} m ${two(s % 60)} s`
    : s < 86400 ? `${Math.floor(s / 3600)} h ${two(Math.floor(s % 3600 / 60))} m`
    : `${Math.floor(s / 86400)} d ${two(Math.floor(s % 86400 / 3600))} h`;
  const iso = (s) => new Date((D.base + Math.round(s)) * 1000).toISOString().slice(0, 19);
  const stamp = (s) => (s < 0 ? "unknown" : iso(s).replace("T", " "));
  const grouped = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ",");

  // Runs
  const dim = new Uint8Array(N), inferred = new Set(R.inferred);
  const effectsOf = new Map(), findingsOf = new Map(), barsOf = new Map();
  const push = (map, key, value) => { map.has(key) ? map.get(key).push(value) : map.set(key, [value]); };
  E.run.forEach((run, i) => push(effectsOf, run, i));
  D.findings.forEach((f, i) => f[3].forEach((run) => push(findingsOf, run, i)));
  B.run.forEach((run, i) => push(barsOf, run, i));
  const start = (run) => R.asked[run] + Math.max(0, R.waited[run]);
  const end = (run) => start(run) + Math.max(0, R.ran[run]);
  const runName = (run) => (R.number[run] < 0 ? String(R.id[run]) : "#" + R.number[run])
    + (R.attempt[run] > 1 ? " attempt " + R.attempt[run] : "");
  const runLink = (run) => {
    const [repository, plain] = R.repositories[R.repository[run]], id = R.id[run];
    const link = make("a", runName(run));
    if (D.host && plain && Number(id) > 0) {
      link.href = `${D.host}/${repository}/actions/runs/${id}` + (R.attempt[run] > 1 ? `/attempts/${R.attempt[run]}` : "");
      link.rel = "noopener noreferrer";
    }
    return link;
  };

  // Theme: three states, kept nowhere.
  const theme = byId("theme"), themes = ["Auto", "Light", "Dark"];
  let themed = 0;
  const setTheme = (n) => {
    themed = n % 3;
    theme.textContent = "Theme: " + themes[themed];
    if (themed) root.dataset.theme = themes[themed].toLowerCase(); else delete root.dataset.theme;
    readColours();
    paintSoon();
  };
  theme.addEventListener("click", () => setTheme(themed + 1));

  // Explorer
  const stage = byId("stage"), canvas = byId("canvas"), strip = byId("strip"), plot = byId("plot"), hint = byId("hint");
  const g = canvas.getContext("2d"), sg = strip.getContext("2d");
  const HEAD = 26, ROW = 15, BAR = 11, STRIP = 46;
  const laneTop = [], laneRows = D.lanes.map(() => 1);
  B.lane.forEach((lane, i) => { laneRows[lane] = Math.max(laneRows[lane], B.row[i] + 1); });
  let height = HEAD;
  laneRows.forEach((rows, i) => { laneTop[i] = height; height += Math.max(40, rows * ROW + 16); });
  laneTop.push(height);
  const middle = (lane, row) => laneTop[lane] + (laneTop[lane + 1] - laneTop[lane] - laneRows[lane] * ROW) / 2 + (row + 0.5) * ROW;
  const order = B.run.map((_, i) => i).filter((i) => R.asked[B.run[i]] >= 0)
    .sort((a, b) => B.lane[a] - B.lane[b] || B.row[a] - B.row[b] || start(B.run[a]) - start(B.run[b]));
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000, 7776000, 31536000];
  let colours = {}, hatch = null, width = 0, left = 150, ratio = 1, from = D.view[0], to = D.view[1], chosen = -1, hovered = -1, queued = false;

  const readColours = () => {
    for (const node of all("[id^='c-']")) colours[node.id.slice(2)] = getComputedStyle(node).color;
    const tile = document.createElement("canvas"), t = tile.getContext("2d");
    tile.width = tile.height = 8;
    t.strokeStyle = colours.overlap;
    t.lineWidth = 1.6;
    for (const d of [-8, 0, 8]) { t.moveTo(d, 8); t.lineTo(d + 8, 0); }
    t.stroke();
    hatch = g.createPattern(tile, "repeat");
  };
  const x = (s) => left + (s - from) / (to - from) * (width - left);
  const at = (px) => from + (px - left) / (width - left) * (to - from);
  const resize = (scale) => {
    ratio = scale || window.devicePixelRatio || 1;
    width = plot.clientWidth;
    left = width < 600 ? 92 : 172;
    for (const [c, h] of [[canvas, height], [strip, STRIP]]) {
      c.width = Math.round(width * ratio);
      c.height = Math.round(h * ratio);
      c.style.height = h + "px";
    }
  };
  const paintSoon = () => {
    if (queued) return;
    queued = true;
    requestAnimationFrame(() => { queued = false; paint(); });
  };

  const FONT = getComputedStyle(document.body).fontFamily;
  const fonts = {tick: "12px " + FONT, name: "600 13px " + FONT, note: "11.5px " + FONT, bar: "600 10.5px " + FONT, two: "700 9px " + FONT};
  const fitted = new Map();
  const fit = (value, font, room, tail) => {
    const key = font + room + value;
    if (!fitted.has(key)) {
      g.font = font;
      let shown = value;
      const tooWide = () => g.measureText(shown).width > room;
      // The end of a name tells more than its beginning: docker:registry/owner/image:tag. Cut it at such a mark if one fits.
      if (tail && tooWide()) for (const m of value.matchAll(/[:/ ]/g)) { shown = "…" + value.slice(m.index); if (!tooWide()) break; }
      for (let cut = 1; cut < value.length && tooWide(); cut++) shown = tail ? "…" + value.slice(cut) : value.slice(0, -cut) + "…";
      fitted.set(key, shown);
    }
    return fitted.get(key);
  };
  const tickLabel = (s, step) => {
    const d = new Date((D.base + s) * 1000), clock = d.toISOString().slice(11, step < 60 ? 19 : 16);
    return step >= 86400 || clock === "00:00" ? d.getUTCDate() + " " + d.toLocaleString("en", {month: "short", timeZone: "UTC"}) : clock;
  };

  const paint = () => {
    const began = performance.now(), w = width;
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.fillStyle = colours.bg;
    g.fillRect(0, 0, w, height);
    D.lanes.forEach((lane, i) => {
      if (i % 2 === 0) { g.fillStyle = colours.lane; g.fillRect(0, laneTop[i], w, laneTop[i + 1] - laneTop[i]); }
    });
    paintTicks(w);
    g.save();
    g.beginPath();
    g.rect(left, HEAD, w - left, height - HEAD);
    g.clip();
    paintOverlaps(w);
    paintBars(w);
    paintEffects(w);
    g.restore();
    paintNames();
    paintStrip();
    byId("range").textContent = `${stamp(from)} → ${stamp(to)} UTC (${duration(Math.round(to - from))})`;
    performance.measure("paint", {start: began, end: performance.now()});
  };
  const paintTicks = (w) => {
    const step = steps.find((s) => (to - from) / s <= (w - left) / 90) || steps[steps.length - 1];
    g.font = fonts.tick;
    g.textAlign = "center";
    g.textBaseline = "alphabetic";
    for (let s = Math.ceil((from + D.base) / step) * step - D.base; s <= to; s += step) {
      const px = Math.round(x(s)) + 0.5;
      g.strokeStyle = colours.line;
      g.lineWidth = 1;
      g.beginPath();
      g.moveTo(px, HEAD);
      g.lineTo(px, height);
      g.stroke();
      g.fillStyle = colours.muted;
      if (px > left + 14 && px < w - 20) g.fillText(tickLabel(s, step), px, 17);
    }
  };
  const paintOverlaps = (w) => {
    for (const [lane, a, b] of D.overlaps) {
      if (b < from || a > to) continue;
      const x0 = x(a), wide = Math.max(2, x(b) - x0), top = laneTop[lane] + 1, tall = laneTop[lane + 1] - top - 1;
      g.globalAlpha = 0.14;
      g.fillStyle = colours.overlap;
      g.fillRect(x0, top, wide, tall);
      g.globalAlpha = 0.55;
      g.fillStyle = hatch;
      g.fillRect(x0, top, wide, tall);
      g.globalAlpha = 1;
      g.fillStyle = colours.overlap;
      g.fillRect(x0, top, wide, 2);
      g.fillRect(x0, top + tall - 2, wide, 2);
    }
  };
  const paintBars = (w) => {
    g.fillStyle = colours.wait;
    for (const i of order) {
      const run = B.run[i], a = R.asked[run], s = start(run);
      if (R.waited[run] <= 0 || s < from || a > to) continue;
      const x0 = x(a), wide = x(s) - x0;
      if (wide > 1) { g.globalAlpha = dim[run] ? 0.2 : 1; g.fillRect(x0, Math.round(middle(B.lane[i], B.row[i])) - 1, wide, 2); }
    }
    let lastX = -9, lastRow = -1, lastState = -1;
    for (const i of order) {
      const run = B.run[i], s = start(run), e = end(run);
      if (e < from || s > to) continue;
      const x0 = Math.max(x(s), left), x1 = Math.min(x(e), w + 4), wide = Math.max(2, x1 - x0), state = R.state[run];
      const y = Math.round(middle(B.lane[i], B.row[i])), row = B.lane[i] * 99 + B.row[i];
      if (wide < 3 && row === lastRow && state === lastState && x0 - lastX < 0.7 && run !== chosen) continue;
      lastX = x0; lastRow = row; lastState = state;
      g.globalAlpha = dim[run] ? 0.18 : 1;
      paintBar(run, D.states[state], x0, y - (BAR >> 1), wide);
    }
    g.globalAlpha = 1;
  };
  const paintBar = (run, state, x0, y, wide) => {
    if (state === "cancelled") {
      if (wide < 6) { g.fillStyle = colours.cancelled; g.fillRect(x0, y, 1, BAR); g.fillRect(x0 + wide - 1, y, 1, BAR); }
      else {
        g.fillStyle = colours.bg;
        g.fillRect(x0, y, wide, BAR);
        g.strokeStyle = colours.cancelled;
        g.lineWidth = 1.3;
        g.setLineDash([4, 3]);
        g.strokeRect(x0 + 0.5, y + 0.5, wide - 1, BAR - 1);
        g.setLineDash([]);
      }
    } else {
      g.fillStyle = colours[state];
      if (wide < 6) g.fillRect(x0, y, wide, BAR);
      else { g.beginPath(); g.roundRect(x0, y, wide, BAR, 2); g.fill(); }
    }
    const ink = state === "cancelled" ? colours.text : colours.ink;
    if (state === "failed" && wide > 14) {
      const cx = x0 + wide - 6, cy = y + BAR / 2;
      g.strokeStyle = ink;
      g.lineWidth = 1.6;
      g.beginPath();
      g.moveTo(cx - 2.5, cy - 2.5); g.lineTo(cx + 2.5, cy + 2.5); g.moveTo(cx + 2.5, cy - 2.5); g.lineTo(cx - 2.5, cy + 2.5);
      g.stroke();
    }
    if (wide > 58) paintLabel(run, x0, y, wide, ink, state === "failed" ? 14 : 4);
    if (run === chosen || run === hovered) {
      g.strokeStyle = run === chosen ? colours.text : colours.muted;
      g.lineWidth = 2;
      g.strokeRect(x0 - 1.5, y - 1.5, wide + 3, BAR + 3);
    }
  };
  const paintLabel = (run, x0, y, wide, ink, after) => {
    const name = runName(run), more = `${name}  ${duration(R.ran[run])}`;
    g.font = fonts.bar;
    g.textAlign = "left";
    g.textBaseline = "middle";
    const shown = [more, name].find((label) => {
      const needs = g.measureText(label).width + 10;
      return needs + after < wide && !(effectsOf.get(run) || []).some((i) => { const d = x(E.at[i]) - x0; return d > -8 && d < needs + 4; });
    });
    if (shown) { g.fillStyle = ink; g.fillText(shown, x0 + 5, y + BAR / 2 + 0.5); }
  };
  const diamond = (cx, cy, size, fill) => {
    g.beginPath();
    g.moveTo(cx, cy - size); g.lineTo(cx + size, cy); g.lineTo(cx, cy + size); g.lineTo(cx - size, cy);
    g.closePath();
    g.fillStyle = fill;
    g.fill();
    g.strokeStyle = "#15181c";
    g.lineWidth = 1.5;
    g.stroke();
  };
  // A lane that is a target shows what was done to that target; the others show all that a run did.
  // What was done to something without a lane of its own shows in the run's first.
  const shownIn = (effect, bar) => !D.lanes[B.lane[bar]][2] || E.lane[effect] === B.lane[bar]
    || (E.lane[effect] < 0 && barsOf.get(E.run[effect])[0] === bar);
  const paintEffects = () => {
    const span = to - from, later = [];
    let painted = "";
    for (let i = 0; i < E.run.length; i++) {
      const t = E.at[i], run = E.run[i];
      if (t < from || t > to) continue;
      const px = x(t);
      for (const b of barsOf.get(run) || []) {
        if (!shownIn(i, b)) continue;
        const y = middle(B.lane[b], B.row[b]);
        if (E.twice[i]) { later.push([px, y, dim[run]]); continue; }
        const place = Math.round(px / 3) + ":" + y;
        if (span > 172800 || place === painted) continue;
        painted = place;
        g.globalAlpha = dim[run] ? 0.25 : 1;
        diamond(px, y, 4, "#ffffff");
      }
    }
    g.font = fonts.two;
    g.textAlign = "center";
    g.textBaseline = "middle";
    for (const [px, y, faint] of later) {
      g.globalAlpha = faint ? 0.35 : 1;
      diamond(px, y, 7.5, colours.twice);
      g.fillStyle = "#15181c";
      g.fillText("2", px, y + 0.5);
    }
    g.globalAlpha = 1;
  };
  const paintNames = () => {
    g.textAlign = "left";
    g.textBaseline = "alphabetic";
    D.lanes.forEach(([name, note, target], i) => {
      const centre = (laneTop[i] + laneTop[i + 1]) / 2;
      if (target) { g.fillStyle = colours.overlap; g.fillRect(0, laneTop[i] + 1, 3, laneTop[i + 1] - laneTop[i] - 2); }
      g.fillStyle = colours.text;
      const label = fit(name, fonts.name, left - 22, true), under = fit(note, fonts.note, left - 22);
      g.font = fonts.name;
      g.fillText(label, 12, centre - 1);
      g.font = fonts.note;
      g.fillStyle = colours.muted;
      g.fillText(under, 12, centre + 13);
    });
    g.fillStyle = colours.line;
    g.fillRect(left - 0.5, 0, 1, height);
  };

  // The strip below: how many runs when, where the overlaps are, and which part is shown.
  const SLOTS = 240, slots = new Float64Array(SLOTS);
  for (let run = 0; run < N; run++) if (R.asked[run] >= 0) slots[Math.min(SLOTS - 1, Math.floor(start(run) / D.span * SLOTS))]++;
  for (const [hour, count] of D.hours) slots[Math.min(SLOTS - 1, Math.max(0, Math.floor(hour / D.span * SLOTS)))] += count;
  const most = Math.max(1, ...slots);
  const stripX = (s) => left + s / D.span * (width - left);
  const paintStrip = () => {
    sg.setTransform(ratio, 0, 0, ratio, 0, 0);
    sg.fillStyle = colours.bg;
    sg.fillRect(0, 0, width, STRIP);
    sg.fillStyle = colours.wait;
    const wide = (width - left) / SLOTS;
    slots.forEach((n, i) => { if (n) { const tall = Math.max(2, n / most * (STRIP - 10)); sg.fillRect(left + i * wide, STRIP - tall, Math.max(1, wide - 1), tall); } });
    sg.fillStyle = colours.overlap;
    for (const o of D.overlaps) sg.fillRect(stripX(o[1]) - 1, 0, 2.5, STRIP);
    const a = Math.max(left, stripX(from)), b = Math.min(width, stripX(to));
    sg.globalAlpha = 0.14;
    sg.fillStyle = colours.accent;
    sg.fillRect(a, 0, b - a, STRIP);
    sg.globalAlpha = 1;
    sg.strokeStyle = colours.accent;
    sg.lineWidth = 2;
    sg.strokeRect(a + 1, 1, Math.max(3, b - a - 2), STRIP - 2);
    sg.fillStyle = colours.bg;
    sg.fillRect(0, 0, left, STRIP);
    sg.fillStyle = colours.muted;
    sg.font = fonts.note;
    sg.fillText("whole window", 12, 19);
    sg.fillText(duration(D.span), 12, 34);
  };

  // Moving about
  const show = (a, b) => {
    let span = Math.min(Math.max(b - a, 10), D.span * 1.2);
    const centre = Math.min(Math.max((a + b) / 2, -D.span * 0.05), D.span * 1.05);
    from = centre - span / 2;
    to = centre + span / 2;
    paintSoon();
  };
  const zoom = (factor, around = (from + to) / 2) => show(around - (around - from) * factor, around + (to - around) * factor);
  const pan = (share) => show(from + (to - from) * share, to + (to - from) * share);
  const around = (a, b) => { const room = Math.max(60, (b - a) * 0.3); show(a - room, b + room); };
  const jump = (direction) => {
    const starts = D.overlaps.map((o) => [o[1], o[2]]).sort((a, b) => a[0] - b[0]);
    const centre = (from + to) / 2, slack = (to - from) * 0.02 + 1;
    const ahead = starts.filter(([a, b]) => direction > 0 ? (a + b) / 2 > centre + slack : (a + b) / 2 < centre - slack);
    const next = direction > 0 ? ahead[0] : ahead[ahead.length - 1];
    if (!next) { say(starts.length ? "No further overlap." : "No overlap."); return; }
    const room = Math.max((next[1] - next[0]) * 1.5, 300), c = (next[0] + next[1]) / 2;
    show(c - room, c + room);
    say(`Overlap of ${duration(next[1] - next[0])} from ${stamp(next[0])} UTC.`);
  };
  const link = () => {
    const hash = `#t=${iso(from)}Z,${iso(to)}Z`;
    history.replaceState(null, "", hash);
    copy(location.href, "Link copied.");
  };
  const acts = {in: () => zoom(0.5), out: () => zoom(2), all: () => show(0, D.span), incident: () => show(D.view[0], D.view[1]),
    next: () => jump(1), previous: () => jump(-1), link};
  for (const button of all("[data-do]")) button.addEventListener("click", () => acts[button.dataset.do]());
  const inTime = N ? [...new Set(order.map((i) => B.run[i]))].sort((a, b) => start(a) - start(b)) : [];
  const step = (direction) => {
    if (!inTime.length) return;
    const here = inTime.indexOf(chosen);
    let next = here < 0 ? inTime.findIndex((run) => end(run) >= from) : here + direction;
    next = Math.min(Math.max(next, 0), inTime.length - 1);
    choose(inTime[next], true);
  };
  const keys = {ArrowLeft: () => pan(-0.2), ArrowRight: () => pan(0.2), "+": () => zoom(0.6), "=": () => zoom(0.6), "-": () => zoom(1.6667),
    "0": acts.all, n: acts.next, p: acts.previous, ArrowUp: () => step(-1), ArrowDown: () => step(1)};
  stage.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });
  stage.addEventListener("wheel", (event) => {
    if (!(event.ctrlKey || event.metaKey || event.shiftKey || document.activeElement === stage)) return;
    event.preventDefault();
    const amount = event.deltaY || event.deltaX;
    zoom(Math.exp(Math.max(-0.5, Math.min(0.5, amount * 0.003))), at(event.clientX - canvas.getBoundingClientRect().left));
  }, {passive: false});
  const hit = (event) => {
    const box = canvas.getBoundingClientRect(), px = event.clientX - box.left, py = event.clientY - box.top;
    if (px < left) return -1;
    let best = -1, nearest = 7;
    for (const i of order) {
      if (Math.abs(middle(B.lane[i], B.row[i]) - py) > ROW / 2) continue;
      const x0 = x(start(B.run[i])), x1 = x(end(B.run[i])), away = px < x0 ? x0 - px : px > x1 ? px - x1 : 0;
      if (away < nearest) { nearest = away; best = B.run[i]; }
    }
    return best;
  };
  let drag = null;
  stage.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    drag = {x: event.clientX, from, to, moved: false};
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    if (drag) {
      const delta = event.clientX - drag.x;
      if (Math.abs(delta) > 3) drag.moved = true;
      if (drag.moved) { const t = -delta / (width - left) * (drag.to - drag.from); show(drag.from + t, drag.to + t); }
      hint.hidden = true;
      return;
    }
    const run = hit(event), box = plot.getBoundingClientRect(), py = event.clientY - box.top;
    const lane = event.clientX - box.left < left ? D.lanes.findIndex((_, i) => py >= laneTop[i] && py < laneTop[i + 1]) : -1;
    if (run !== hovered) { hovered = run; paintSoon(); }
    hint.hidden = run < 0 && lane < 0;
    if (!hint.hidden) {
      hint.textContent = run < 0 ? `${D.lanes[lane][0]}\n${D.lanes[lane][1]}` : `${text(R.workflow[run])} ${runName(run)}\n${text(R.branch[run])} · ${text(R.result[run])}\n${stamp(start(run))} UTC, ran ${duration(R.ran[run])}`;
      hint.style.left = Math.min(event.clientX - box.left + 14, Math.max(0, width - 350)) + "px";
      hint.style.top = py + 16 + "px";
    }
  });
  const drop = (event) => {
    if (drag && !drag.moved && event.type === "pointerup") { const run = hit(event); if (run >= 0) choose(run, false); }
    drag = null;
  };
  stage.addEventListener("pointerup", drop);
  stage.addEventListener("pointercancel", drop);
  stage.addEventListener("pointerleave", () => { hint.hidden = true; if (hovered >= 0) { hovered = -1; paintSoon(); } });
  const centreOn = (event) => {
    const px = event.clientX - strip.getBoundingClientRect().left, c = (px - left) / (width - left) * D.span, half = (to - from) / 2;
    show(c - half, c + half);
  };
  strip.addEventListener("pointerdown", (event) => { strip.setPointerCapture(event.pointerId); centreOn(event); });
  strip.addEventListener("pointermove", (event) => { if (event.buttons & 1) centreOn(event); });

  // The chosen run
  const choose = (run, move) => {
    chosen = run;
    if (move && R.asked[run] >= 0 && (end(run) < from || start(run) > to)) {
      const half = (to - from) / 2, c = (start(run) + end(run)) / 2;
      show(c - half, c + half);
    }
    const facts = [["Workflow", text(R.workflow[run])], ["Lane", text(R.lane[run])],
      ["Branch", [text(R.branch[run]), R.sha[run]].filter(Boolean).join(" @ ")], ["Event", text(R.event[run])],
      ["Actor", text(R.actor[run])], ["Asked for", R.asked[run] < 0 ? "unknown" : stamp(R.asked[run]) + " UTC"],
      ["Waited", duration(R.waited[run])], ["Ran", duration(R.ran[run])], ["Result", text(R.result[run]) || "unknown"]];
    if (R.repositories.length > 1) facts.unshift(["Repository", R.repositories[R.repository[run]][0]]);
    if (inferred.has(run)) facts.push(["Known from", "its log only"]);
    const title = R.title.length ? " · " + text(R.title[run]) : "";
    const parts = [make("h3", [runLink(run), title]),
      make("dl", facts.filter((f) => f[1]).map(([name, value]) => make("div", [make("dt", name), make("dd", value)])), {class: "facts"})];
    const did = effectsOf.get(run) || [];
    if (did.length) parts.push(make("ul", did.slice(0, 30).map((i) => make("li",
      `${stamp(E.at[i])} UTC · ${text(E.what[i])} · ${text(E.target[i])}${E.identity[i] < 0 ? "" : " · " + text(E.identity[i])} · ${text(E.outcome[i])}${E.twice[i] ? " · happened twice" : ""}`))));
    if (did.length > 30) parts.push(make("p", `${did.length - 30} more effects.`, {class: "note"}));
    const found = findingsOf.get(run) || [];
    if (found.length) parts.push(make("p", ["Findings: ", ...found.slice(0, 20).flatMap((i) =>
      [make("a", "F-" + two(i + 1), {href: "#" + D.findings[i][0]}), " "])]));
    byId("chosen").replaceChildren(...parts);
    say(`Run ${runName(run)}, ${text(R.workflow[run])}, ${text(R.result[run])}, ran ${duration(R.ran[run])}, ${did.length} effects.`);
    paintSoon();
  };

  // Tables
  const addSort = (head, act) => {
    const button = make("button", head.textContent, {type: "button"});
    head.replaceChildren(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of all("th[aria-sort]", head.parentNode)) other.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      act(down ? -1 : 1);
      say(`Sorted by ${button.textContent}, ${down ? "descending" : "ascending"}.`);
    });
  };
  const units = {s: 1, m: 60, h: 3600, d: 86400};
  const weight = (cell) => {
    const plain = cell.replace(/,/g, "");
    if (/^−?\d+(\.\d+)?$/.test(plain)) return Number(plain.replace("−", "-"));
    if (/^−?[\d.]+ [smhd]( \d+ [smhd])?$/.test(plain)) return [...plain.matchAll(/([\d.]+) ([smhd])/g)].reduce((sum, m) => sum + m[1] * units[m[2]], 0) * (plain[0] === "−" ? -1 : 1);
    return cell === "–" ? -1 : null;
  };
  const compare = (a, b) => {
    const u = weight(a), v = weight(b);
    return u !== null && v !== null ? u - v : a < b ? -1 : a > b ? 1 : 0;
  };
  for (const table of all("table.sortable")) all("thead th", table).forEach((head, column) => addSort(head, (sign) => {
    const body = table.tBodies[0], rows = [...body.rows].map((row, i) => [row.cells[column].textContent, i, row]);
    rows.sort((a, b) => sign * compare(a[0], b[0]) || a[1] - b[1]);
    body.append(...rows.map((r) => r[2]));
  }));

  const table = byId("runs");
  if (table) {
    const several = R.repositories.length > 1 || all("th[data-key=repository]", table).length > 0;
    const filter = byId("filter"), result = byId("result"), withEffects = byId("with-effects"), inFindings = byId("in-findings"), more = byId("more");
    const search = new Array(N);
    const words = (run) => search[run] || (search[run] = [R.id[run], runName(run), R.repositories[R.repository[run]][0], text(R.workflow[run]), text(R.lane[run]),
      R.title.length ? text(R.title[run]) : "", text(R.branch[run]), R.sha[run], text(R.event[run]), text(R.actor[run]), text(R.result[run])].join("\n").toLowerCase());
    const value = {name: (r) => (R.number[r] < 0 ? R.id[r] : R.number[r]), repository: (r) => R.repositories[R.repository[r]][0], workflow: (r) => text(R.workflow[r]),
      title: (r) => (R.title.length ? text(R.title[r]) : ""), branch: (r) => text(R.branch[r]), event: (r) => text(R.event[r]), actor: (r) => text(R.actor[r]),
      asked: (r) => R.asked[r], waited: (r) => R.waited[r], ran: (r) => R.ran[r], result: (r) => text(R.result[r]), effects: (r) => (effectsOf.get(r) || []).length};
    let sorted = Array.from({length: N}, (_, i) => i), shown = sorted, count = 50, touched = false;
    const ids = new Set();
    const row = (r) => {
      const cells = [make("th", runLink(r), {scope: "row"})];
      const cell = (content, css) => cells.push(make("td", content, css ? {class: css} : {}));
      if (several) cell(value.repository(r), "cut");
      cell(value.workflow(r), "cut"); cell(value.title(r), "cut"); cell(value.branch(r), "cut"); cell(value.event(r)); cell(value.actor(r));
      cell(stamp(R.asked[r]), "mono"); cell(duration(R.waited[r]), "num"); cell(duration(R.ran[r]), "num");
      cell([make("span", "", {class: "dot d-" + D.states[R.state[r]], "aria-hidden": "true"}), value.result(r) || "unknown"]);
      cell(grouped(value.effects(r)), "num");
      const id = "run-" + R.id[r], unique = ids.has(id) ? `${id}-${R.attempt[r]}` : id;
      ids.add(id);
      const node = make("tr", cells, {id: unique});
      node.addEventListener("click", (event) => { if (!event.target.closest("a")) choose(r, true); });
      return node;
    };
    const refill = () => {
      ids.clear();
      table.tBodies[0].replaceChildren(...shown.slice(0, count).map(row));
      byId("run-count").textContent = `${grouped(Math.min(count, shown.length))} of ${grouped(shown.length)}` + (shown.length < N ? ` that match, of ${grouped(N)} in all.` : ".");
      more.hidden = shown.length <= count;
    };
    const apply = () => {
      const wanted = filter.value.toLowerCase().split(/\s+/).filter(Boolean), state = result.value;
      const matches = (r) => (state === "" || R.state[r] === Number(state)) && (!withEffects.checked || effectsOf.has(r)) && (!inFindings.checked || findingsOf.has(r))
        && wanted.every((word) => words(r).includes(word));
      shown = sorted.filter(matches);
      dim.fill(shown.length < N ? 1 : 0);
      if (shown.length < N) for (const r of shown) dim[r] = 0;
      count = 50;
      refill();
      paintSoon();
      if (touched) say(`${shown.length} runs match.`);
      touched = true;
    };
    let typing = 0;
    filter.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(apply, 80); });
    for (const control of [result, withEffects, inFindings]) control.addEventListener("change", apply);
    more.addEventListener("click", () => { count += 50; refill(); });
    more.hidden = N <= 50;
    for (const head of all("thead th", table)) addSort(head, (sign) => {
      const key = value[head.dataset.key];
      sorted = sorted.map((r) => [key(r), r]).sort((a, b) => sign * (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0) || a[1] - b[1]).map((p) => p[1]);
      apply();
    });
    all("tbody tr", table).forEach((node, r) => node.addEventListener("click", (event) => { if (!event.target.closest("a")) choose(r, true); }));
  }

  // Copying
  const copy = (content, done) => {
    const byHand = () => {
      const area = make("textarea", content, {readonly: "", class: "unseen", "aria-label": "Text to copy"});
      document.body.append(area);
      area.select();
      let copied = false;
      try { copied = document.execCommand("copy"); } catch { copied = false; }
      area.remove();
      say(copied ? done : "Copying is not allowed here: select the text and press Ctrl+C.");
    };
    if (navigator.clipboard) navigator.clipboard.writeText(content).then(() => say(done), byHand); else byHand();
  };
  for (const box of all(".code")) {
    const button = make("button", "Copy", {type: "button"});
    button.addEventListener("click", () => {
      copy(box.querySelector("pre").textContent, "SQL copied.");
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    box.append(button);
  }

  // Severity switches
  const cards = all(".card"), levels = byId("levels");
  if (levels) for (const level of [...new Set(cards.map((card) => card.dataset.severity))]) {
    const box = make("input", "", {type: "checkbox"});
    box.checked = true;
    box.addEventListener("change", () => { for (const card of cards) if (card.dataset.severity === level) card.hidden = !box.checked; });
    levels.append(make("label", [box, level[0].toUpperCase() + level.slice(1)]));
  }
  const showFinding = (i) => {
    const [, a, b, runs] = D.findings[i];
    if (a >= 0) around(a, b);
    if (runs.length) choose(runs[0], false);
    byId("timeline").scrollIntoView();
  };
  for (const node of all("[data-finding]")) node.addEventListener("click", (event) => { event.preventDefault(); showFinding(Number(node.dataset.finding)); });

  // Hidden characters of logs stand as ⟦U+202E⟧: painted, not wrapped, so that no log line ever adds an element.
  if (window.Highlight && CSS.highlights) {
    const marks = new Highlight();
    for (const cell of all(".line")) {
      const node = cell.firstChild;
      if (node) for (const m of node.data.matchAll(/⟦U\+[0-9A-F]{4,6}⟧/g)) {
        const range = new Range();
        range.setStart(node, m.index);
        range.setEnd(node, m.index + m[0].length);
        marks.add(range);
      }
    }
    CSS.highlights.set("hidden-character", marks);
  }

  // Deep links
  const follow = () => {
    let hash = "";
    try { hash = decodeURIComponent(location.hash.slice(1)); } catch { return; }
    const times = hash.match(/^t=([^,]+),([^,]+)$/), run = hash.match(/^run-(-?\d+)(?:-(\d+))?$/);
    if (times) {
      const [a, b] = times.slice(1).map((t) => Date.parse(t) / 1000 - D.base);
      if (b > a) { show(a, b); byId("timeline").scrollIntoView(); }
      return;
    }
    if (run) {
      const found = R.id.findIndex((id, i) => String(id) === run[1] && (!run[2] || R.attempt[i] === Number(run[2])));
      if (found >= 0) { choose(found, true); if (!byId(hash)) byId("timeline").scrollIntoView(); }
      return;
    }
    const node = byId(hash);
    if (!node) return;
    node.hidden = false;
    if (node.matches(".card")) for (const evidence of all("details.evidence", node)) evidence.open = true;
    for (let up = node; up; up = up.parentElement) if (up.tagName === "DETAILS") up.open = true;
    node.scrollIntoView();
  };
  addEventListener("hashchange", follow);

  // Where the reader is
  const sections = all("main > section"), places = new Map(all(".side a").map((a) => [a.hash.slice(1), a]));
  const mark = () => {
    const here = sections.filter((s) => s.getBoundingClientRect().top < innerHeight * 0.3).pop() || sections[0];
    for (const [id, a] of places) if (id === here.id) a.setAttribute("aria-current", "true"); else a.removeAttribute("aria-current");
  };
  let marking = false;
  addEventListener("scroll", () => { if (!marking) { marking = true; requestAnimationFrame(() => { marking = false; mark(); }); } }, {passive: true});

  // Print: light, sharp, everything open; and back.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all("details:not([open])");
    for (const node of closed) node.open = true;
    const before = root.dataset.theme;
    root.dataset.theme = "light";
    readColours();
    if (before) root.dataset.theme = before; else delete root.dataset.theme;
    resize(3);
    paint();
  });
  addEventListener("afterprint", () => {
    for (const node of closed) node.open = false;
    readColours();
    resize();
    paint();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); paintSoon(); });
  new ResizeObserver(() => { if (plot.clientWidth !== width) { resize(); paint(); } }).observe(plot);

  readColours();
  resize();
  paint();
  mark();
  if (location.hash) follow();
  performance.mark("ready");
})();
