// Decide on a group of products: one request a decision, whose answer is the next group.
const work = document.getElementById("work");
const group = () => document.getElementById("group");
const newBatch = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), byte => byte.toString(16).padStart(2, "0")).join("");
// what was sent and not acknowledged is sent again under the same name, so that it is recorded once
let waiting = null, busy = false, hits = [], chosen = 0, search = Promise.resolve(), latest = 0;

function show(html) {
  work.innerHTML = html;
  hits = [];
  if (progress) measure();
}
function say(text) {
  const place = group().querySelector(".told"), line = document.createElement("span");
  line.className = "warn";
  line.textContent = text;
  place.replaceChildren(line);
}
// who is signed out is led to sign in and back; whatever else is refused is said
async function refused(answer) {
  if (answer.status === 401) location.reload();
  else say((await answer.json()).detail);
}
async function send(address, body) {
  const key = JSON.stringify([address, body]);
  if (busy) return;
  busy = true;
  group().setAttribute("aria-busy", "true");
  if (!waiting || waiting.key !== key) waiting = {key, batch: newBatch()};
  try {
    const answer = await window.desk.post(address, {...body, batch: waiting.batch});
    if (answer.ok) { show(await answer.text()); waiting = null; }
    else { await refused(answer); if (answer.status < 500) waiting = null; }
  } catch { say(work.dataset.again); }
  busy = false;
  group().removeAttribute("aria-busy");
}
const asked = () => ({queue: group().dataset.queue, after: Number(group().dataset.after)});
const ticked = () => [...group().querySelectorAll("input[name=item]:checked")].map(node => Number(node.value));
function decide(verdict, category) {
  const items = ticked();
  if (!items.length) say(work.dataset.unticked);
  else send("/review/decide", {...asked(), items, verdict, category});
}
async function skip() {
  if (busy) return;
  const {queue, after} = asked(), next = Math.max(after, Number(group().dataset.cluster));
  try {
    const answer = await fetch(`/review/group?queue=${queue}&after=${next}&skip=true`);
    if (answer.ok) show(await answer.text()); else await refused(answer);
  } catch { say(work.dataset.unreachable); }
}
function tick() {
  const boxes = [...group().querySelectorAll("input[name=item]")], all = boxes.every(box => box.checked);
  for (const box of boxes) box.checked = !all;
}
work.addEventListener("click", event => {
  const hit = event.target.closest("#found li");
  if (hit) { decide("category", Number(hit.dataset.category)); return; }
  const button = event.target.closest("button");
  if (!button) return;
  const {category, verdict, does} = button.dataset;
  if (category) decide("category", Number(category));
  else if (verdict) decide(verdict, null);
  else if (does === "undo") send("/review/undo", asked());
  else if (does === "skip") skip();
  else if (does === "tick") tick();
});
// a picture that cannot be read is said in its place; the first ones may have failed before this script ran
function broken(image) {
  const place = document.createElement("span");
  place.className = "thumb no-picture soft";
  place.textContent = work.dataset.broken;
  image.replaceWith(place);
}
work.addEventListener("error", event => { if (event.target.matches("img.thumb")) broken(event.target); }, true);
for (const image of work.querySelectorAll("img.thumb")) if (image.complete && !image.naturalWidth && image.currentSrc) broken(image);
// type-ahead over the whole tree
work.addEventListener("input", event => {
  if (event.target.id === "find") search = look(event.target.value);
});
async function look(text) {
  const mine = ++latest;
  const answer = await fetch(`/review/categories?q=${encodeURIComponent(text)}`).catch(() => null);
  if (mine !== latest) return;
  if (!answer) { say(work.dataset.unreachable); return; }
  if (!answer.ok) { await refused(answer); return; }
  const found = await answer.json();
  if (mine !== latest) return;
  hits = text.trim() ? found : [];
  chosen = 0;
  list();
}
function list() {
  const box = document.getElementById("found"), input = document.getElementById("find");
  box.replaceChildren(...hits.map((hit, place) => {
    const line = document.createElement("li");
    line.id = `hit-${place}`;
    line.role = "option";
    line.dataset.category = hit.id;
    line.textContent = hit.shown;
    line.setAttribute("aria-selected", String(place === chosen));
    return line;
  }));
  box.hidden = !hits.length;
  document.getElementById("nothing").hidden = hits.length > 0 || !input.value.trim();
  input.setAttribute("aria-expanded", String(hits.length > 0));
  input.setAttribute("aria-activedescendant", hits.length ? `hit-${chosen}` : "");
}
work.addEventListener("keydown", async event => {
  if (event.target.id !== "find" || event.isComposing) return;
  const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
  if (step && hits.length) {
    event.preventDefault();
    chosen = (chosen + step + hits.length) % hits.length;
    list();
  }
  if (event.key === "Enter") {
    event.preventDefault();
    await search;
    if (hits.length) decide("category", hits[chosen].id);
  }
});
// how far the audit is: asked after each decision, one question at a time, dimmed while it is out of date;
// an answer that took long (a model of pictures looks at every audited one) is not asked for again at once
const progress = document.getElementById("progress");
let measuring = false, stale = false;
async function measure() {
  stale = true;
  if (measuring) return;
  measuring = true;
  progress.setAttribute("aria-busy", "true");
  while (stale) {
    stale = false;
    const began = performance.now();
    const answer = await fetch("/audit/progress").catch(() => null);
    if (answer && answer.ok && !stale) progress.innerHTML = await answer.text();
    if (stale) await new Promise((after) => setTimeout(after, 4 * (performance.now() - began)));
  }
  progress.removeAttribute("aria-busy");
  measuring = false;
}
if (progress) measure();
