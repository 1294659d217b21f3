import { after, before } from 'node:test';
import { bundlerTests } from './bundlers.mjs';
import { Project } from './project.mjs';
import { recipeTests } from './recipes.mjs';
import { strangerTests } from './stranger.mjs';
import { tarballTests } from './tarball.mjs';
import { versionTests } from './versions.mjs';

/** @type {Project} installed once for all: that takes longest */
let project;

before(async () => {
  project = await Project.create();
});
after(() => project?.remove());

tarballTests(() => project);
bundlerTests(() => project);
versionTests(() => project);
recipeTests(() => project);
strangerTests(() => project);
