// The answer comes as it is typed, and a picture may be dropped or pasted. Without this script the form does it.
const form = document.getElementById("try");
if (form) {
  const answer = document.getElementById("answer"), file = form.querySelector("[name=image]"), drop = document.getElementById("drop");
  const shown = document.getElementById("shown"), without = document.getElementById("without");
  let timer = 0, asking = null;
  const empty = () => ![...form.querySelectorAll("[name=title], [name=ocr]")].some(node => node.value.trim()) && !(file && file.files.length);
  const say = text => {
    const line = document.createElement("p");
    line.className = "warn";
    line.setAttribute("role", "alert");
    line.textContent = text;
    answer.replaceChildren(line);
  };
  async function ask() {
    clearTimeout(timer);
    if (asking) asking.abort();
    const mine = asking = new AbortController();
    answer.setAttribute("aria-busy", "true");
    try {
      const reply = await fetch("/try", {method: "POST", body: new FormData(form), signal: mine.signal,
        headers: {"X-Part": "answer", "X-CSRF-Token": window.desk.csrf(), "Accept": "text/html"}});
      if (reply.redirected) { location.reload(); return; }
      const text = await reply.text();
      // only the page's own part is put in; it escapes every text
      if (reply.headers.get("X-Part") === "answer") answer.innerHTML = text;
      else say(new DOMParser().parseFromString(text, "text/html").querySelector("[role=alert]")?.textContent || reply.status + " " + reply.statusText);
    } catch (problem) {
      if (problem.name !== "AbortError") say(form.dataset.unreachable);
    } finally {
      if (asking === mine) answer.removeAttribute("aria-busy");
    }
  }
  const forget = () => { if (asking) asking.abort(); answer.replaceChildren(); };  // it answered what is gone
  const later = () => { clearTimeout(timer); if (empty()) forget(); else timer = setTimeout(ask, 250); };
  const picture = () => {
    URL.revokeObjectURL(shown.src);
    const given = file.files[0];
    shown.hidden = without.hidden = !given;
    if (given) { shown.src = URL.createObjectURL(given); ask(); } else { shown.removeAttribute("src"); later(); }
  };
  form.addEventListener("submit", event => { event.preventDefault(); event.stopPropagation(); ask(); });
  form.addEventListener("input", event => { if (event.target !== file) later(); });
  form.addEventListener("keydown", event => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.target.matches("textarea")) { event.preventDefault(); ask(); }
  });
  if (file) {
    const take = files => {
      const given = [...files].find(one => one.type.startsWith("image/")) || files[0];
      if (!given) return;
      const one = new DataTransfer();
      one.items.add(given);
      file.files = one.files;
      picture();
    };
    drop.querySelector(".hint").hidden = false;
    file.addEventListener("change", picture);
    shown.addEventListener("error", () => { shown.hidden = true; });
    without.addEventListener("click", () => { file.value = ""; picture(); });
    for (const name of ["dragover", "dragenter"]) document.addEventListener(name, event => { event.preventDefault(); drop.classList.add("over"); });
    for (const name of ["dragleave", "drop"]) document.addEventListener(name, () => drop.classList.remove("over"));
    document.addEventListener("drop", event => { event.preventDefault(); take(event.dataTransfer.files); });
    document.addEventListener("paste", event => { if (event.clipboardData.files.length) { event.preventDefault(); take(event.clipboardData.files); } });
  }
}
