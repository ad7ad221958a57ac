// Saves a file that the server has sent (parcels.js): { name, type: its media type, content: its bytes }.
function saveFile({ name, type, content }) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

