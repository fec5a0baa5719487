// Comfort for those who allow scripts; every page works without.
//   1. keys: / to the search box, j and k from hit to hit
//   2. the panel of /status, fetched again every two seconds, and the speed that follows from it

'use strict';

// ---------------------------------------------------------------- 1. keys

document.querySelector('.keys')?.removeAttribute('hidden');

/** Whether a key is meant for what has the focus. */
const isTyping = element => Boolean(element.closest?.('input, select, textarea, [contenteditable]'));

/** Moves the focus by one hit, from where it is. */
function step(by) {
  const hits = [...document.querySelectorAll('.hits .hit :is(h2, h3) a, .group h2 a')];
  if (!hits.length) return;
  const from = document.activeElement.closest('.hit, .group');
  const at = hits.findIndex(link => from?.contains(link));
  const next = at < 0 ? (by > 0 ? 0 : hits.length - 1) : Math.min(Math.max(at + by, 0), hits.length - 1);
  hits[next].focus();
  hits[next].closest('li, .group').scrollIntoView({ block: 'nearest' });
}

document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const box = document.getElementById('q');
  if (isTyping(event.target)) {
    if (event.key === 'Escape' && event.target === box) box.blur();
    return;
  }
  const done = {
    '/': () => { box?.focus(); box?.select(); },
    j: () => step(1),
    k: () => step(-1),
  }[event.key];
  if (done) {
    event.preventDefault();
    done();
  }
});

// ---------------------------------------------------------------- 2. the panel

/** Numbers of tokens so far with their times: as many as the drawing is wide. */
const seen = [];
const WIDTH = 240, HEIGHT = 64, MOST = 120;

/** Draws tokens per second between what was seen. */
function draw(panel) {
  const count = Number(panel.querySelector('[data-count]')?.dataset.count);
  seen.push({ count, time: performance.now() / 1000 });
  if (seen.length > MOST) seen.shift();
  const rates = seen.slice(1).map((now, at) => (now.count - seen[at].count) / (now.time - seen[at].time));
  if (rates.length < 2) return;
  const most = Math.max(1, ...rates);
  const points = rates.map((rate, at) => `${(WIDTH * at / (rates.length - 1)).toFixed(1)},${(HEIGHT - 4 - (HEIGHT - 8) * rate / most).toFixed(1)}`);
  const line = document.createElementNS('http://www.w3.org/2000/svg', 'polyline');
  line.setAttribute('points', points.join(' '));
  const drawing = document.getElementById('speed');
  drawing.replaceChildren(line);
  drawing.closest('figure').hidden = false;
}

const panel = document.getElementById('panel');
if (panel) {
  document.getElementById('refreshed').hidden = false;
  draw(panel);
  setInterval(async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(location.href, { headers: { accept: 'text/html' } });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const fresh = page.getElementById('panel');
      if (!fresh) return;
      panel.replaceChildren(...fresh.childNodes);
      draw(panel);
    } catch {
      // The server is away: what was seen last stays.
    }
  }, 1000 * Number(panel.dataset.refresh));
}
