% if event.starts or event.place:
<p class="where">
% if event.starts:
  <time datetime="{{event.starts_at}}">{{event.starts}}</time>
% end
% if get("doors"):
  <span>{{doors}}</span>
% end
% if event.place:
  <span>{{event.place}}</span>
% end
</p>
% end
