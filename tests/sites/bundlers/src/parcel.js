// Parcel, which makes scripts of files beside a script, does not read a package's `exports` unless it is told to.
import { diagnose } from 'hlsmesh/dist/hlsmesh-diagnose.mjs';
import './main.js';

globalThis.diagnose = diagnose;
