% rebase("page-layout", heading=say("operators.title"), here="board", script="board.js")
% if done in ("restart", "scale"):
<p class="notice" role="status">{{say(f"operators.done.{done}")}}</p>
% end
<p class="notice bad" id="lost" role="status" hidden data-text="{{say("operators.lost")}}"></p>
<noscript><p class="notice">{{say("operators.no-script")}}</p></noscript>
<div id="live" data-from="/operator/live?minutes={{minutes}}">
% include("live-figures")
</div>
