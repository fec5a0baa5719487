'use strict';
// The script of the report. It reads the index, and the text of an article or the alignment of a pair when that is opened.
// Everything that articles say is put on the page with textContent or as an attribute, never as HTML.
//
// 1. reading the data    2. making elements    3. filters    4. lists    5. groups and their timelines    6. pairs
// 7. the overview        8. start

// ---------------------------------------------------------------- 1. reading the data

/** The block of JSON with a name, or null. */
function block(id) {
  const element = document.getElementById(id);
  return element && JSON.parse(element.textContent);
}

const index = block('index');
const grouped = new Set(index.groups.flatMap(group => group.members.map(member => member.pair)));

/** Pairs that no group shows. */
const others = index.pairs.map((pair, at) => ({ ...pair, at })).filter(pair => !grouped.has(pair.at));

const article = at => index.articles[at];
const articlesOfGroup = group => [group.representative, ...group.members.map(member => member.article)].map(article);
const articlesOfPair = pair => [pair.a, pair.b].map(article);

/** The first and the last day that a date may mean, as YYYY-MM-DD; dates are known to the day, the month or the year. */
function days(date) {
  if (!date) return null;
  const [year, month, day] = date.split('-');
  const last = String(new Date(Date.UTC(Number(year), Number(month || 12), 0)).getUTCDate()).padStart(2, '0');
  return [`${year}-${month || '01'}-${day || '01'}`, `${year}-${month || '12'}-${day || last}`];
}

const time = day => Date.parse(day + 'T00:00:00Z');
const DAY = 86400000;

/** Without case and accents, so that "ete" finds "Été". */
const folded = text => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

const percent = share => share > 0 && share < 0.005 ? '<1 %' : share < 1 && share >= 0.995 ? '99 %' : `${Math.round(100 * share)} %`;
const figure = number => number.toLocaleString('en');
const count = (number, thing) => `${figure(number)} ${thing}${number === 1 ? '' : 's'}`;
const titleOf = header => header.title || header.id;

/** The relation as people write it. */
const RELATION = {
  'identical': 'identical', 'republished': 'republished', 'updated': 'updated', 'contains': 'contains it',
  'excerpt': 'excerpt', 'shared-source': 'shared source', 'same-story': 'same story',
};

// ---------------------------------------------------------------- 2. making elements

/** An element with attributes and children; strings become text. `on…` attributes are functions. */
function make(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same for a drawing. */
function draw(name, attributes = {}, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat().filter(child => child !== null && child !== undefined));
  return element;
}

/** A title in its own language and direction. */
function titled(header, name = 'span', attributes = {}) {
  return make(name, { lang: header.language, dir: 'auto', ...attributes }, titleOf(header));
}

/** Date, source and name of an article; a link where it has an address on the web. */
function meta(header) {
  const link = /^https?:\/\//i.test(header.url || '');
  return make('span', { class: 'meta' },
    make('time', {}, header.date || 'undated'),
    header.source ? make('bdi', { class: 'source' }, header.source) : null,
    make('bdi', { class: 'key', title: header.id }, header.id),
    link ? make('a', { href: header.url, rel: 'noopener noreferrer', target: '_blank' }, 'original') : null);
}

const badge = relation => make('span', { class: `badge ${relation || 'none'}` }, RELATION[relation] || 'unrelated');

/** How much of one is in the other, as a bar and a number. */
function meter(share, label) {
  const bar = make('span', { class: 'bar', 'aria-hidden': 'true' }, make('span', {}));
  bar.firstChild.style.width = `${100 * share}%`;
  return make('span', { class: 'meter', title: label }, bar, make('span', { class: 'number' }, percent(share)),
    make('span', { class: 'unseen' }, ` ${label}`));
}

// ---------------------------------------------------------------- 3. filters

const filters = document.getElementById('filters');

/** What is asked for now. */
function asked() {
  const data = new FormData(filters);
  return {
    view: data.get('view'),
    relations: new Set(data.getAll('relation')),
    words: folded(data.get('words')).split(/\s+/).filter(word => word),
    source: data.get('source'),
    from: data.get('from'),
    to: data.get('to'),
    order: data.get('order'),
  };
}

/** Whether some article of a group or pair is from the source and of the time, and some title has all the words. */
function matches(articles, relations, asked) {
  const within = header => {
    const known = days(header.date);
    return known ? (!asked.from || known[1] >= asked.from) && (!asked.to || known[0] <= asked.to) : !asked.from && !asked.to;
  };
  const says = header => asked.words.every(word => folded(header.title || '').includes(word));
  return relations.some(relation => asked.relations.has(relation || 'none'))
    && (!asked.source || articles.some(header => header.source === asked.source))
    && articles.some(within)
    && (!asked.words.length || articles.some(says));
}

const groupMatches = (group, asked) => matches(articlesOfGroup(group), group.members.map(member => member.relation), asked);
const pairMatches = (pair, asked) => matches(articlesOfPair(pair), [pair.relation], asked);

const ORDERS = {
  size: (one, other) => other.size - one.size || one.day.localeCompare(other.day),
  new: (one, other) => other.day.localeCompare(one.day),
  old: (one, other) => (one.day || '9').localeCompare(other.day || '9'),
  sure: (one, other) => other.sure - one.sure,
};

/** What matches, in the order that is asked for. */
function chosen(asked) {
  const firstDay = header => (days(header.date) || [''])[0];
  const entries = asked.view === 'groups'
    ? index.groups.filter(group => groupMatches(group, asked)).map(group => ({
        value: group, size: group.members.length, day: firstDay(article(group.representative)),
        sure: Math.max(...group.members.map(member => member.confidence)),
      }))
    : others.filter(pair => pairMatches(pair, asked)).map(pair => ({
        value: pair, size: Math.max(pair.share_a, pair.share_b), day: firstDay(article(pair.a)), sure: pair.confidence,
      }));
  return entries.sort(ORDERS[asked.order]).map(entry => entry.value);
}

/** How often each relation is among the members of groups, or among other pairs. */
function relationCounts(view) {
  const counts = {};
  const entries = view === 'groups' ? index.groups.flatMap(group => group.members) : others;
  entries.forEach(({ relation }) => { counts[relation || 'none'] = (counts[relation || 'none'] || 0) + 1; });
  return counts;
}

const countsOf = { groups: relationCounts('groups'), pairs: relationCounts('pairs') };

/** Says how many there are of each relation in what is shown, and offers none of which there are none. */
function countRelations(view) {
  for (const chip of document.querySelectorAll('.chip')) {
    const number = countsOf[view][chip.dataset.relation] || 0;
    chip.hidden = !number;
    chip.querySelector('b').textContent = figure(number);
  }
}

function fillFilters() {
  document.getElementById('relations').append(...[...index.relations, 'none'].map(relation =>
    make('label', { class: `chip ${relation}`, 'data-relation': relation },
      make('input', { type: 'checkbox', name: 'relation', value: relation, checked: true }),
      make('span', {}, `${RELATION[relation] || 'unrelated'} `, make('b', {})))));

  const sources = new Map();
  index.articles.forEach(({ source }) => source && sources.set(source, (sources.get(source) || 0) + 1));
  filters.elements.source.append(...[...sources].sort((one, other) => other[1] - one[1] || one[0].localeCompare(other[0]))
    .map(([source, number]) => make('option', { value: source }, `${source} (${figure(number)})`)));
}

// ---------------------------------------------------------------- 4. lists

const list = document.getElementById('list');
const more = document.getElementById('more');
const BATCH = 30;
let waiting = [];

/** Shows the first entries of what is asked for; the others follow as the reader goes on. */
function show() {
  const wanted = asked();
  waiting = chosen(wanted);
  countRelations(wanted.view);
  const whole = wanted.view === 'groups' ? index.groups.length : others.length;
  const thing = wanted.view === 'groups' ? 'group' : 'pair';
  document.getElementById('status').textContent = waiting.length === whole ? count(whole, thing)
    : `${figure(waiting.length)} of ${count(whole, thing)}`;
  list.replaceChildren();
  if (!waiting.length) list.append(make('p', { class: 'notice' }, `No ${thing} is like that.`));
  showMore();
  drawOverview(wanted);
}

function showMore() {
  const entries = waiting.splice(0, BATCH);
  list.append(...entries.map(entry => entry.members ? groupCard(entry) : pairCard(entry)));
  more.hidden = !waiting.length;
  more.textContent = `Show more (${figure(waiting.length)} left)`;
}

/** A button that opens what `build` makes, below `place`. */
function opener(label, build, place) {
  let opened = null;
  const button = make('button', { type: 'button', class: 'open', 'aria-expanded': 'false', onclick: () => {
    if (!opened) place.append(opened = build());
    else opened.hidden = !opened.hidden;
    button.setAttribute('aria-expanded', String(!opened.hidden));
    button.firstChild.textContent = opened.hidden ? 'Compare' : 'Close';
  } }, make('span', {}, 'Compare'), make('span', { class: 'unseen' }, ` ${label}`));
  return button;
}

// ---------------------------------------------------------------- 5. groups and their timelines

const MEMBERS = 12;

function groupCard(group) {
  const first = article(group.representative);
  const rows = make('ol', { class: 'members' });
  const add = members => rows.append(...members.map(member => memberRow(group, member)));
  add(group.members.slice(0, MEMBERS));
  const rest = group.members.slice(MEMBERS);
  const others = rest.length ? make('button', { type: 'button', class: 'rest', onclick: event => {
    add(rest);
    event.target.remove();
  } }, `Show ${figure(rest.length)} more`) : null;
  return make('article', { class: 'card' },
    make('p', { class: 'kicker' }, `${count(group.members.length + 1, 'version')}${spread(articlesOfGroup(group))}`),
    titled(first, 'h3'), meta(first),
    timeline(group, at => rows.children[at]), membersHead(), rows, others);
}

/** From when to when articles were published. */
function spread(articles) {
  const known = articles.map(header => days(header.date)).filter(known => known);
  if (!known.length) return '';
  const [first, last] = [known.map(day => day[0]).sort()[0], known.map(day => day[1]).sort().at(-1)];
  return first === last ? ` on ${first}` : `, ${first} to ${last}`;
}

/** What the columns of members are; read aloud, each number says it itself. */
const membersHead = () => make('div', { class: 'row head', 'aria-hidden': 'true' },
  ...['', '', 'of the first in it', 'of it in the first', 'sure', ''].map(label => make('span', {}, label)));

function memberRow(group, member) {
  const header = article(member.article);
  const row = make('li', {});
  const place = meta(header);
  place.append(make('span', { class: 'why' },
    `first: ${member.first.replace(/\bA\b/, 'the top one').replace(/\bB\b/, 'this one')}`));
  row.append(make('div', { class: 'row' },
    badge(member.relation),
    make('div', { class: 'what' }, titled(header, 'span', { class: 'headline' }), place),
    meter(member.share_of_first, 'of the first version is in this one'),
    meter(member.share, 'of this one is in the first version'),
    make('span', { class: 'sure', title: 'confidence: 0.5 is on the border, 1 beyond doubt' },
      member.confidence.toFixed(2), make('span', { class: 'unseen' }, ' confidence')),
    member.pair === null ? null : opener(titleOf(header), () => pairView(index.pairs[member.pair], member.pair), row)));
  return row;
}

/** A dot an article by its date, the representative with a ring; a bar where only the month or the year is known. */
function timeline(group, rowOf) {
  const entries = articlesOfGroup(group).map((header, at) => ({ header, at, days: days(header.date) }));
  const dated = entries.filter(entry => entry.days);
  const from = Math.min(...dated.map(entry => time(entry.days[0])));
  const to = Math.max(...dated.map(entry => time(entry.days[1])));
  if (dated.length < 2 || to - from < DAY) return null;
  const x = moment => 2 + 96 * (moment - from) / (to - from);
  const heights = new Map();
  const marks = dated.map(({ header, at, days: [first, last] }) => {
    const relation = at ? group.members[at - 1].relation : 'first';
    const [left, right] = [x(time(first)), x(time(last))];
    const place = Math.round((left + right) / 2.4);
    const height = heights.get(place) || 0;
    heights.set(place, height + 1);
    const y = 8 + 11 * Math.min(height, 5);
    const shape = right - left > 1
      ? draw('rect', { x: `${left}%`, y: y - 3, width: `${right - left}%`, height: 6, rx: 3 })
      : draw('circle', { cx: `${(left + right) / 2}%`, cy: y, r: at ? 4.5 : 5.5 });
    const label = draw('title', {}, `${header.date}: ${titleOf(header)}${header.source ? `, ${header.source}` : ''}`);
    const row = () => at ? rowOf(at - 1) : null;
    return draw('g', { class: `mark ${relation}`,
      onmouseenter: () => row()?.classList.add('on'), onmouseleave: () => row()?.classList.remove('on'),
      onclick: () => row()?.scrollIntoView({ block: 'nearest' }) }, label, shape);
  });
  const base = 8 + 11 * Math.min(Math.max(...heights.values()) - 1, 5) + 10;
  const label = (moment, anchor) => draw('text', { x: `${x(moment)}%`, y: base + 15, 'text-anchor': anchor },
    new Date(moment).toISOString().slice(0, 10));
  const undated = entries.length - dated.length;
  return make('figure', { class: 'timeline' },
    draw('svg', { height: base + 20, role: 'img', 'aria-label': `When the versions were published${spread(articlesOfGroup(group))}` },
      draw('line', { x1: '0', x2: '100%', y1: base, y2: base, class: 'axis' }), label(from, 'start'), label(to, 'end'), marks),
    undated ? make('figcaption', {}, `${count(undated, 'version')} without a date`) : null);
}

// ---------------------------------------------------------------- 6. pairs

function pairCard(pair) {
  const [a, b] = articlesOfPair(pair);
  const card = make('article', { class: 'card pair-card' });
  const side = (letter, header) => make('div', { class: 'side' }, make('span', { class: 'letter' }, letter),
    make('div', {}, titled(header, 'h3'), meta(header)));
  card.append(
    make('p', { class: 'kicker' }, badge(pair.relation), ` ${pair.says}`,
      pair.relation ? ` · confidence ${pair.confidence.toFixed(2)}` : ''),
    make('div', { class: 'sides' }, side('A', a), side('B', b)),
    make('div', { class: 'row foot' },
      make('span', { class: 'why' }, `first: ${pair.first}`),
      meter(pair.share_a, 'of A is in B'), meter(pair.share_b, 'of B is in A')));
  card.lastChild.append(opener(`${titleOf(a)} and ${titleOf(b)}`, () => pairView(pair, pair.at), card));
  return card;
}

/** All the evidence for a pair, and both texts beside each other. */
function pairView(pair, at) {
  const { stretches, facts } = block(`pair-${at}`);
  const view = make('section', { class: 'pair', 'aria-label': `${pair.says}: ${articlesOfPair(pair).map(titleOf).join(', ')}` });
  const panes = ['a', 'b'].map(side => pane(view, pair, side, stretches, facts));
  view.append(
    make('p', { class: 'says' }, pair.says, pair.relation ? `: confidence ${pair.confidence.toFixed(2)}` : ''),
    evidence(view, pair, facts));
  if (stretches.length) view.append(ribbons(view, panes, stretches));
  view.append(make('div', { class: 'panes' }, panes.map(pane => pane.element)));
  view.append(legend(view, stretches, facts));
  return view;
}

/** What is known beside the texts. */
function evidence(view, pair, facts) {
  const rows = [
    ['first', pair.first],
    ['text', `${percent(pair.share_a)} of A is in B, ${percent(pair.share_b)} of B is in A`],
    ['runs of five words', `${percent(pair.a_in_b)} of A is in B, ${percent(pair.b_in_a)} of B is in A; Jaccard ${pair.jaccard.toFixed(3)}`],
    ['closeness', pair.closeness === null ? null : pair.closeness.toFixed(3)],
    ['credits', pair.credits],
    ...[['name', 'names'], ['number', 'numbers'], ['quotation', 'quotations']]
      .map(([kind, label]) => [label, factButtons(view, facts, kind)]),
  ];
  return make('dl', { class: 'evidence' }, rows.filter(([, said]) => said)
    .map(([label, said]) => make('div', {}, make('dt', {}, label), make('dd', {}, said))));
}

/** A button a fact, those first that say most, in both spellings where they differ; it shows where both texts have the fact. */
function factButtons(view, facts, kind) {
  const seen = new Set();
  const buttons = facts.map((fact, at) => ({ ...fact, at })).filter(fact => fact.kind === kind)
    .sort((one, other) => other.weight - one.weight).flatMap(fact => {
    const same = folded(fact.a.text) === folded(fact.b.text);
    const said = same ? fact.a.text : `${fact.a.text} / ${fact.b.text}`;
    if (seen.has(said)) return [];
    seen.add(said);
    return [make('button', { type: 'button', class: 'fact', onclick: () => reveal(view, `[data-fact~="${fact.at}"]`) },
      make('bdi', {}, said))];
  });
  return buttons.length ? make('span', { class: 'facts' }, buttons) : null;
}

/** Brings what matches into view in both texts, and makes it stand out until something else does. */
function reveal(view, selector) {
  view.querySelectorAll('.found').forEach(element => element.classList.remove('found'));
  view.querySelectorAll('.text').forEach(text => {
    const found = text.querySelectorAll(selector);
    found.forEach(element => element.classList.add('found'));
    if (found[0]) bring(found[0], text, text.clientHeight / 3);
  });
}

const calm = matchMedia('(prefers-reduced-motion: reduce)');

/** Scrolls a text so that an element of it stands `top` below its upper edge. */
function bring(element, text, top) {
  const behavior = calm.matches ? 'auto' : 'smooth';
  const place = element.getBoundingClientRect().top - text.getBoundingClientRect().top + text.scrollTop;
  if (text.scrollHeight > text.clientHeight + 1) text.scrollTo({ top: place - top, behavior });
  else if (matchMedia('(max-width: 760px)').matches) element.scrollIntoView({ block: 'center', behavior });
}

/** One of the two texts, with what is shared, edited, furniture, credits and facts marked. */
function pane(view, pair, side, stretches, facts) {
  const header = article(pair[side]);
  const { text, furniture, credits } = block(`text-${pair[side]}`);
  const characters = Array.from(text);
  const body = make('div', { class: 'text', lang: header.language, dir: 'auto', tabindex: '0', role: 'group',
    'aria-label': `Text of ${side.toUpperCase()}` });
  const layers = {
    stretch: stretches.map((stretch, at) => ({ ...stretch[side], at })),
    equal: stretches.flatMap(stretch => stretch.equal.map(equal => equal[side])),
    furniture,
    credit: credits,
    fact: facts.map((fact, at) => ({ start: fact[side].start, end: fact[side].end, at })),
  };
  let open = null;
  for (const part of parts(characters.length, layers)) {
    const words = characters.slice(part.start, part.end).join('');
    if (open && open.at !== part.stretch?.at) open = null;
    if (part.stretch && !open) {
      open = { at: part.stretch.at, element: stretchMark(view, part.stretch.at, side) };
      body.append(open.element);
    }
    (open ? open.element : body).append(partElement(words, part, side));
  }
  const element = make('div', { class: 'pane' },
    make('div', { class: 'side' }, make('span', { class: 'letter' }, side.toUpperCase()),
      make('div', {}, titled(header, 'h4'), meta(header))),
    body);
  return { element, length: characters.length };
}

/** Cuts a text where a layer begins or ends: each part with what of each layer it lies in. */
function parts(length, layers) {
  const borders = new Set([0, length]);
  Object.values(layers).flat().forEach(span => borders.add(span.start).add(span.end));
  const places = [...borders].filter(place => place <= length).sort((one, other) => one - other);
  return places.slice(1).map((end, at) => {
    const start = places[at];
    const over = layer => layers[layer].filter(span => span.start <= start && end <= span.end);
    return { start, end, stretch: over('stretch')[0], equal: over('equal').length > 0, furniture: over('furniture').length > 0,
      credit: over('credit')[0], facts: over('fact').map(span => span.at) };
  });
}

/** A part of a text in the elements that say what it is; the white space around an edit is not marked. */
function partElement(words, part, side) {
  const edited = part.stretch && !part.equal && /\S/.test(words);
  if (edited && words !== words.trim()) {
    const [before, after] = [/^\s*/.exec(words)[0], /\s*$/.exec(words)[0]];
    return fill(document.createDocumentFragment(), {}, [before, partElement(words.trim(), part, side), after]);
  }
  const wrap = (name, attributes) => { node = make(name, attributes, node); };
  // A little room between paragraphs, in the place of empty lines.
  const paragraphs = words.split(/\s*\n\s*/).flatMap((line, at) => at ? ['\n', make('span', { class: 'gap' }), line] : [line]);
  let node = fill(document.createDocumentFragment(), {}, paragraphs);
  if (part.facts.length) wrap('span', { class: 'has-fact', 'data-fact': part.facts.join(' ') });
  if (part.credit) wrap('b', { class: 'credit', title: `${part.credit.kind === 'signed' ? 'signed' : 'cites'} ${part.credit.agency}` });
  if (part.furniture) wrap('span', { class: 'furniture', title: 'page furniture: not compared' });
  if (edited) wrap(side === 'a' ? 'del' : 'ins', {});
  return node;
}

const HUES = 6;

/** The mark of a shared passage: pointing at it lights up its counterpart, a click brings that beside it. */
function stretchMark(view, at, side) {
  const all = () => view.querySelectorAll(`[data-stretch="${at}"]`);
  const light = on => all().forEach(element => element.classList.toggle('on', on));
  const mark = make('mark', { class: `hue-${at % HUES}`, 'data-stretch': at,
    onmouseenter: () => light(true), onmouseleave: () => light(false), onclick: event => {
      // Who selects words to copy them does not want to go elsewhere.
      if (event.target.closest('button') || !String(getSelection())) meet(view, mark);
    } });
  mark.append(make('button', { type: 'button', class: 'jump', onfocus: () => light(true), onblur: () => light(false),
    'aria-label': `passage ${at + 1}, also in ${side === 'a' ? 'B' : 'A'}: go there` }, String(at + 1)));
  return mark;
}

/** Brings the counterpart of a mark to the height of the mark. */
function meet(view, mark) {
  const here = mark.closest('.text');
  for (const other of view.querySelectorAll(`.text [data-stretch="${mark.dataset.stretch}"]`)) {
    const there = other.closest('.text');
    const top = mark.getBoundingClientRect().top - here.getBoundingClientRect().top;
    if (there !== here) bring(other, there, Math.max(0, Math.min(top, there.clientHeight - 40)));
  }
}

/** Where shared passages stand in both, drawn as ribbons between two bars: those that cross were moved. */
function ribbons(view, panes, stretches) {
  const x = (place, pane) => 1000 * place / Math.max(1, panes[pane].length);
  const shapes = stretches.map(({ a, b }, at) => {
    const [a0, a1, b0, b1] = [x(a.start, 0), x(a.end, 0), x(b.start, 1), x(b.end, 1)];
    const side = (left, right, y) => draw('rect', { x: left, y, width: Math.max(right - left, 2), height: 10 });
    const light = on => () => view.querySelectorAll(`[data-stretch="${at}"]`).forEach(element => element.classList.toggle('on', on));
    return draw('g', { class: `hue-${at % HUES}`, 'data-stretch': at, onmouseenter: light(true), onmouseleave: light(false),
      onclick: () => reveal(view, `mark[data-stretch="${at}"]`) },
      draw('path', { d: `M${a0} 10C${a0} 32 ${b0} 28 ${b0} 50H${b1}C${b1} 28 ${a1} 32 ${a1} 10Z` }),
      side(a0, a1, 0), side(b0, b1, 50));
  });
  return make('figure', { class: 'ribbons' },
    make('span', { class: 'letter', 'aria-hidden': 'true' }, 'A'),
    draw('svg', { viewBox: '0 0 1000 60', preserveAspectRatio: 'none', role: 'img',
      'aria-label': `Where ${count(stretches.length, 'shared passage')} stand in A, above, and in B, below` },
      draw('rect', { class: 'whole', x: 0, y: 0, width: 1000, height: 10 }),
      draw('rect', { class: 'whole', x: 0, y: 50, width: 1000, height: 10 }), shapes),
    make('span', { class: 'letter', 'aria-hidden': 'true' }, 'B'));
}

/** What the marks mean that are there. */
function legend(view, stretches, facts) {
  const part = (element, said) => make('li', {}, element, ` ${said}`);
  return make('ul', { class: 'legend', 'aria-label': 'Marks' },
    stretches.length ? [
      part(make('mark', { class: 'hue-0' }, 'passage'), 'in both; click for its counterpart'),
      part(make('del', {}, 'words'), 'only in A'), part(make('ins', {}, 'words'), 'only in B')] : [],
    facts.length ? part(make('span', { class: 'has-fact' }, 'fact'), 'in both') : null,
    view.querySelector('.credit') ? part(make('b', { class: 'credit' }, 'agency'), 'credited') : null,
    view.querySelector('.furniture') ? part(make('span', { class: 'furniture' }, 'grey'), 'page furniture') : null);
}

// ---------------------------------------------------------------- 7. the overview

/** The days, weeks, months or years between two days: few enough to be bars. */
function bins(from, to) {
  const span = (time(to) - time(from)) / DAY;
  const next = {
    day: date => date.setUTCDate(date.getUTCDate() + 1),
    week: date => date.setUTCDate(date.getUTCDate() + 7),
    month: date => date.setUTCMonth(date.getUTCMonth() + 1, 1),
    year: date => date.setUTCFullYear(date.getUTCFullYear() + 1, 0, 1),
  };
  const unit = span < 70 ? 'day' : span < 500 ? 'week' : span < 4500 ? 'month' : 'year';
  const date = new Date(time(from));
  if (unit === 'month') date.setUTCDate(1);
  if (unit === 'year') date.setUTCMonth(0, 1);
  const starts = [];
  while (date.getTime() <= time(to)) {
    starts.push(date.toISOString().slice(0, 10));
    next[unit](date);
  }
  return { unit, starts, end: date.toISOString().slice(0, 10) };
}

/** How many groups or pairs began when; what the filters leave is dark. A click on a bar asks for its time. */
function drawOverview(asked) {
  const groups = asked.view === 'groups';
  const entries = groups ? index.groups : others;
  const dated = entries.map(entry => ({
    day: (days(article(groups ? entry.representative : entry.a).date) || [null])[0],
    kept: groups ? groupMatches(entry, asked) : pairMatches(entry, asked),
  })).filter(entry => entry.day);
  const place = document.getElementById('overview');
  place.closest('section').hidden = dated.length < 2;
  if (dated.length < 2) return;
  const sorted = dated.map(entry => entry.day).sort();
  const { unit, starts, end } = bins(sorted[0], sorted.at(-1));
  const bars = starts.map((start, at) => ({ start, end: starts[at + 1] || end, all: 0, kept: 0 }));
  for (const { day, kept } of dated) {
    const bar = bars[starts.findLastIndex(start => start <= day)];
    bar.all += 1;
    bar.kept += kept;
  }
  const most = Math.max(...bars.map(bar => bar.all));
  // Few bars would be as wide as walls.
  const width = 100 / Math.max(bars.length, 40);
  const height = number => number && Math.max(2, 72 * number / most);
  const shape = (at, number, name) => draw('rect', { class: name, x: `${at * width + 0.1 * width}%`, width: `${0.8 * width}%`,
    y: 80 - height(number), height: height(number) });
  const thing = groups ? 'group' : 'pair';
  const shapes = bars.map((bar, at) => draw('g', { class: 'bin', onclick: () => {
    filters.elements.from.value = bar.start;
    filters.elements.to.value = new Date(time(bar.end) - DAY).toISOString().slice(0, 10);
    show();
  } }, draw('title', {}, `${unit} of ${bar.start}: ${count(bar.all, thing)}`),
    draw('rect', { class: 'hit', x: `${at * width}%`, width: `${width}%`, y: 0, height: 80 }),
    shape(at, bar.all, 'all'), shape(at, bar.kept, 'kept')));
  // A label is as wide as a fifth of a small screen.
  const every = Math.ceil(18 / width);
  const labels = bars.map((bar, at) => at % every || at * width > 90 ? null
    : draw('text', { x: `${at * width}%`, y: 96 }, unit === 'year' ? bar.start.slice(0, 4) : unit === 'month' ? bar.start.slice(0, 7) : bar.start));
  place.replaceChildren(draw('svg', { height: 100, role: 'img',
    'aria-label': `${count(dated.length, thing)} from ${sorted[0]} to ${sorted.at(-1)}, by ${unit}; at most ${figure(most)}` },
    draw('line', { class: 'axis', x1: 0, x2: '100%', y1: 80.5, y2: 80.5 }), shapes, labels.filter(label => label)));
}

// ---------------------------------------------------------------- 8. start

function fillHead() {
  document.title = `${index.title}: shared text`;
  document.getElementById('title').textContent = index.title;
  document.getElementById('made').textContent = index.made;
  document.getElementById('version').textContent = index.version;
  document.getElementById('count-groups').textContent = figure(index.groups.length);
  document.getElementById('count-pairs').textContent = figure(others.length);
  const known = index.articles.map(header => days(header.date)).filter(known => known);
  const period = known.length ? [known.map(day => day[0]).sort()[0], known.map(day => day[1]).sort().at(-1)] : null;
  const copies = index.groups.reduce((sum, group) => sum + group.members.length, 0);
  const figures = [
    ['articles looked at', figure(index.looked_at)],
    ['groups of versions', figure(index.groups.length)],
    ['versions of an earlier one', figure(copies)],
    ['other pairs', figure(others.length)],
    ['period', period ? `${period[0]} – ${period[1]}` : 'undated'],
  ];
  document.getElementById('figures').append(...figures.map(([label, number]) =>
    make('div', {}, make('dt', {}, label), make('dd', {}, number))));
}

fillHead();
fillFilters();
if (!index.groups.length) filters.elements.view.value = 'pairs';
let pause;
filters.addEventListener('input', () => {
  clearTimeout(pause);
  pause = setTimeout(show, 120);
});
filters.addEventListener('reset', () => setTimeout(show));
filters.addEventListener('submit', event => event.preventDefault());
more.addEventListener('click', showMore);
new IntersectionObserver(seen => seen.some(entry => entry.isIntersecting) && !more.hidden && showMore(), { rootMargin: '600px' })
  .observe(more);
show();
