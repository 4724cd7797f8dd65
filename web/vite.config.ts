import type { Plugin, Rolldown } from "vite";
import { defineConfig } from "vitest/config";

/** Leaves dynamic imports as they are: there is no style or script to fetch before them. */
const plainImports = {
  name: "plain-imports",
  enforce: "pre",
  load: (id: string) =>
    id.endsWith("vite/preload-helper.js") ? "export const __vitePreload = (load) => load();" : null,
} as const;

// The hub serves the built page: index.html at /, everything else under /assets with a hash in its name.
// No inlining and no preload helper: the page's Content-Security-Policy allows neither.
export default defineConfig({
  plugins: [plainImports, withoutUnusedPaths()],
  // Relative: a proxy may serve the hub under a path of its own.
  base: "./",
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: false,
    cssCodeSplit: false,
    // Which script imports which: the first view's size is computed from it.
    manifest: "manifest.json",
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        // All of the first view in one script, and all of a device's charts in another: in parts they would
        // compress worse and arrive later.
        codeSplitting: { groups: [{ name: scriptOf }] },
      },
    },
  },
  test: {
    environment: "node",
    include: ["test/**/*.test.ts"],
    // Files share what they import: to load it anew for each took more than half of the time.
    isolate: false,
  },
});

/**
 * Removes from uPlot the kinds of line that the page does not draw, a tenth of its size. They are set on its
 * class, so the bundler cannot know that they are unused.
 */
function withoutUnusedPaths(): Plugin {
  return {
    name: "without-unused-paths",
    transform(code, id) {
      if (!id.endsWith("uPlot.esm.js")) return null;
      const less = code.replace(/^\s*(\(paths\.(stepped|bars|spline)\s*=|uPlot\.(join|tzDate)\s*=).*$/gm, "");
      if (less.length === code.length) this.error("uPlot's paths are not where they were");
      return { code: less, map: null };
    },
  };
}

const READINGS = "/device/readings/DeviceReadings.tsx";

/** The script that a module belongs to; null where that is decided by who else imports it. */
function scriptOf(id: string, chunks: Rolldown.ChunkingContext): string | null {
  if (isPartOf(chunks, id, ({ isEntry }) => isEntry)) return "index";
  return isPartOf(chunks, id, (module) => module.id.endsWith(READINGS)) ? "readings" : null;
}

/** Whether a module is such a one, or one of them imports it, not only by `import()`. */
function isPartOf(
  chunks: Rolldown.ChunkingContext,
  id: string,
  isOne: (module: Rolldown.ModuleInfo) => boolean,
  seen = new Set<string>(),
): boolean {
  const module = chunks.getModuleInfo(id);
  if (!module || seen.has(id)) return false;
  seen.add(id);
  return isOne(module) || module.importers.some((importer) => isPartOf(chunks, importer, isOne, seen));
}
