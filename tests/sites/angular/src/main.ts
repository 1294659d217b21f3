import { Component, provideZonelessChangeDetection, signal } from '@angular/core';
import { bootstrapApplication } from '@angular/platform-browser';
import { Player } from './player';

const query = new URLSearchParams(location.search);

@Component({
  selector: 'app-root',
  imports: [Player],
  template: '@if (src(); as source) { <app-player [src]="source" [tracker]="tracker" /> }',
})
class App {
  src = signal(query.get('src'));
  tracker = query.get('tracker') ?? '';
  constructor() {
    Object.assign(globalThis, {
      change: (url: string) => this.src.set(url),
      end: () => this.src.set(null),
    });
  }
}

bootstrapApplication(App, { providers: [provideZonelessChangeDetection()] });
