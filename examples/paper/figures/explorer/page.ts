/// <reference lib="dom" />
/** The explorer: one state, which every control changes and everything that is seen follows from. */
import { drawGround, drawPair, hasTarget, scalesOf, shown } from './drawing.ts';
import { numbersAt, type PairNumbers } from './pair.ts';
import { sentenceOf } from './sentence.ts';
import {
  fromHash,
  hasGamma,
  initial,
  type LossName,
  marginRange,
  type State,
  settled,
  toHash,
  usualMargin,
} from './state.ts';

const element = <E extends Element = HTMLElement>(id: string) => document.getElementById(id) as unknown as E;
const input = (id: string) => element<HTMLInputElement>(id);

const svg = element<SVGSVGElement>('plane');
const pair = element<SVGGElement>('pair');
const loss = element<HTMLSelectElement>('loss');
let state = fromHash(location.hash);

function change(part: Partial<State>): void {
  state = settled({ ...state, ...part });
  // Browsers refuse more than some hundred changes of the address in half a minute, and a drag makes as many.
  clearTimeout(addressTimer);
  addressTimer = setTimeout(() => history.replaceState(null, '', toHash(state)), 150);
  show();
}
let addressTimer: ReturnType<typeof setTimeout> | undefined;

function show(): void {
  const numbers = numbersAt(state, state.sn, state.sp);
  showControls();
  showNumbers(numbers);
  showPicture(numbers);
}

function showControls(): void {
  loss.value = state.loss;
  const range = marginRange(state.loss);
  for (const id of ['margin', 'margin-number']) {
    input(id).min = String(range.min);
    input(id).max = String(range.max);
  }
  put('margin', state.margin, state.margin);
  put('gamma', Math.log2(state.gamma), state.gamma);
  put('sn', state.sn, state.sn);
  put('sp', state.sp, state.sp);
  input('gamma').setAttribute('aria-valuetext', String(state.gamma)); // the slider itself has its logarithm
  element('gamma-setting').hidden = !hasGamma(state.loss);
  element('legend-target').hidden = !hasTarget(state);
  element('to-target').hidden = !hasTarget(state);
}

/** A number that is being typed is left alone: "0." is on the way to "0.5". */
function put(id: string, position: number, value: number): void {
  input(id).value = String(position);
  const number = input(`${id}-number`);
  if (document.activeElement !== number) number.value = String(value);
}

function showNumbers(numbers: PairNumbers): void {
  const output = (id: string, value: number) => {
    const place = element(id);
    place.textContent = shown(value);
    place.dataset.value = String(value); // all digits, for who reads the page by program
  };
  output('out-sn', state.sn);
  output('out-sp', state.sp);
  output('weight-n', numbers.weightN);
  output('weight-p', numbers.weightP);
  output('logit-n', numbers.logitN);
  output('logit-p', numbers.logitP);
  output('gradient-n', numbers.gradientN);
  output('gradient-p', numbers.gradientP);
  output('sum', numbers.sum);
  output('loss-value', numbers.loss);
  element('loss-name').textContent = hasGamma(state.loss) ? 'loss log(1\u00a0+\u00a0eᵘ)' : 'loss max(u,\u00a00)';
  const sentence = sentenceOf(state, numbers);
  element('sentence').textContent = sentence;
  clearTimeout(announcementTimer);
  announcementTimer = setTimeout(() => {
    element('announcement').textContent = sentence;
  }, 500);
}
let announcementTimer: ReturnType<typeof setTimeout> | undefined;

let drawnGround = '';

function showPicture(numbers: PairNumbers): void {
  const size = Math.round(svg.getBoundingClientRect().width);
  if (size === 0) return;
  svg.setAttribute('viewBox', `0 0 ${size} ${size}`);
  const ground = [state.loss, state.margin, state.gamma, size].join(' ');
  if (ground !== drawnGround) element('ground').innerHTML = drawGround(state, { size });
  drawnGround = ground;
  pair.innerHTML = drawPair(state, numbers, { size });
  pair.setAttribute('aria-valuenow', String(state.sn));
  const text = `s n ${state.sn}, s p ${state.sp}, loss ${shown(numbers.loss)}`;
  pair.setAttribute('aria-valuetext', text);
}

function followPointer(event: PointerEvent): void {
  const box = svg.getBoundingClientRect();
  change(scalesOf({ size: Math.round(box.width) }).toPair(event.clientX - box.left, event.clientY - box.top));
}

svg.addEventListener('pointerdown', (event) => {
  if (event.button !== 0) return;
  svg.setPointerCapture(event.pointerId);
  event.preventDefault();
  pair.focus({ preventScroll: true });
  followPointer(event);
});
svg.addEventListener('pointermove', (event) => {
  if (svg.hasPointerCapture(event.pointerId)) followPointer(event);
});

const ways: Record<string, [sn: number, sp: number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};
pair.addEventListener('keydown', (event) => {
  const way = ways[event.key];
  if (way === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  const step = event.shiftKey ? 0.1 : 0.01;
  change({ sn: state.sn + way[0] * step, sp: state.sp + way[1] * step });
});

loss.addEventListener('change', () => {
  const name = loss.value as LossName;
  change({ loss: name, margin: usualMargin(name) });
});

function connect(id: string, toState: (value: number) => Partial<State>, fromSlider = (value: number) => value): void {
  input(id).addEventListener('input', () => change(toState(fromSlider(input(id).valueAsNumber))));
  const number = input(`${id}-number`);
  number.addEventListener('input', () => {
    if (number.validity.valid && number.value !== '') change(toState(number.valueAsNumber));
  });
  number.addEventListener('blur', show); // what could not be taken goes back to what holds
}
connect('margin', (margin) => ({ margin }));
connect(
  'gamma',
  (gamma) => ({ gamma }),
  (exponent) => 2 ** exponent,
);
connect('sn', (sn) => ({ sn }));
connect('sp', (sp) => ({ sp }));

for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-sn]')) {
  button.addEventListener('click', () => change({ sn: Number(button.dataset.sn), sp: Number(button.dataset.sp) }));
}
element('to-target').addEventListener('click', () => change({ sn: state.margin, sp: 1 - state.margin }));
element('reset').addEventListener('click', () => change(initial));
window.addEventListener('hashchange', () => {
  state = fromHash(location.hash);
  show();
});
new ResizeObserver(show).observe(svg);
show();
