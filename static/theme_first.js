// Runs before the first pixel: a theme that was chosen must not flash the other one.
// All else about themes is in theme.js.

// Takes away the words for those without JavaScript.
document.documentElement.classList.add("scripted");

try {
  const chosen = localStorage.getItem("klineboard.theme");
  if (chosen === "light" || chosen === "dark") {
    document.documentElement.dataset.theme = chosen;
  }
} catch {
  // Storage is forbidden here: the system's theme it is.
}
