// What must run before the first pixel, and what stands by while the rest is loaded.
// It is no module, so that nothing waits for it and it waits for nothing.
(() => {
  const TRIES = 3;
  const PAUSE_MS = 1500;
  const root = document.documentElement;

  // Takes away the words for those without JavaScript.
  root.classList.add("scripted");

  // A theme that was chosen must not flash the other one; the rest is in theme.js.
  try {
    const chosen = localStorage.getItem("klineboard.theme");
    if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  } catch {
    // Storage is forbidden here: the system's theme it is.
  }

  // Without one of its scripts the page would wait for ever: load it again, and where
  // that does not help either, say so.
  addEventListener("error", (event) => {
    if (!(event.target instanceof HTMLScriptElement)) return;
    setTimeout(mayReload() ? () => location.reload() : sayIt, PAUSE_MS);
  }, true);
  addEventListener("load", () => {
    if (root.classList.contains("running")) forget();
  });

  function mayReload() {
    try {
      const tried = Number(sessionStorage.getItem("klineboard.reloads"));
      sessionStorage.setItem("klineboard.reloads", String(tried + 1));
      return tried < TRIES;
    } catch {
      return false;
    }
  }

  function forget() {
    try {
      sessionStorage.removeItem("klineboard.reloads");
    } catch {
      // Nothing was remembered either.
    }
  }

  function sayIt() {
    const words = document.getElementById("load-failed");
    if (words) words.hidden = false;
  }
})();
