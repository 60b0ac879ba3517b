// What runs within a flame graph where the viewer runs scripts: a click zooms, a search colours what it finds and says how much time that is.
// Names are read from attributes and written as text, never as markup.
export const FLAME_GRAPH_SCRIPT = `
'use strict';
(() => {
  const svg = document.documentElement;
  const inner = Number(svg.dataset.inner), margin = Number(svg.dataset.margin), letter = Number(svg.dataset.letter);
  const details = document.getElementById('details'), reset = document.getElementById('reset'), search = document.getElementById('search');
  const said = details.textContent;
  const frames = [...document.querySelectorAll('#frames g')].map((g) => ({
    g, x: Number(g.dataset.x), w: Number(g.dataset.w), name: g.dataset.name, rect: g.querySelector('rect'), text: g.querySelector('text'),
  }));
  const tolerance = 1e-6;
  function cutTo(name, letters) {
    let used = 0, cut = '';
    for (const letter of name) {
      used += letter.codePointAt(0) < 0x590 ? 1 : 2;
      if (used < letters) cut += letter;
      if (used > letters) return cut + '\\u2026';
    }
    return name;
  }
  function zoom(from, width) {
    for (const { g, x, w, name, rect, text } of frames) {
      const above = x <= from + tolerance && x + w >= from + width - tolerance && w > width + tolerance;
      const inside = x >= from - tolerance && x + w <= from + width + tolerance;
      g.style.display = above || inside ? '' : 'none';
      g.classList.toggle('above', above);
      const left = above ? 0 : (x - from) / width, px = (above ? 1 : w / width) * inner;
      rect.setAttribute('x', margin + left * inner);
      rect.setAttribute('width', Math.max(0.1, px - 0.4));
      text.setAttribute('x', margin + left * inner + 3);
      const letters = Math.floor((px - 6) / letter);
      text.textContent = letters < 3 ? '' : cutTo(name, letters);
    }
    reset.setAttribute('visibility', width < 1 - tolerance ? 'visible' : 'hidden');
  }
  function find(pattern) {
    let test = () => false;
    if (pattern) {
      let expression;
      try { expression = new RegExp(pattern, 'i'); } catch { details.textContent = 'not a regular expression: ' + pattern; return; }
      test = (name) => expression.test(name);
    }
    const spans = [];
    for (const { g, x, w, name } of frames) {
      const hit = test(name);
      g.classList.toggle('found', hit);
      if (hit) spans.push([x, x + w]);
    }
    // What is found within something found counts once.
    let share = 0, end = -1;
    for (const [a, b] of spans.sort((p, q) => p[0] - q[0])) {
      if (b > end) share += b - Math.max(a, end);
      end = Math.max(end, b);
    }
    details.textContent = pattern ? spans.length + ' boxes match ' + pattern + ': ' + (share * 100).toFixed(1) + ' %' : said;
  }
  for (const frame of frames) frame.g.addEventListener('click', () => zoom(frame.x, frame.w));
  reset.addEventListener('click', () => zoom(0, 1));
  const ask = () => { const pattern = prompt('regular expression, in names of functions'); if (pattern !== null) find(pattern); };
  search.addEventListener('click', ask);
  search.setAttribute('visibility', 'visible');
  addEventListener('keydown', (event) => {
    if (event.key === 'Escape') { zoom(0, 1); find(''); }
    else if (event.key === '/') { event.preventDefault(); ask(); }
  });
})();
`;
