% rebase("page-layout", heading=question.title, here="")
<div class="narrow">
<h1>{{question.title}}</h1>
<ul class="effects">
% for effect in question.effects:
  <li>{{effect}}</li>
% end
</ul>
<form class="answer" method="post" action="{{action}}">
  <input type="hidden" name="csrf" value="{{visit.session.csrf}}">
  <input type="hidden" name="id" value="{{id}}">
% for name, value in question.fields.items():
  <input type="hidden" name="{{name}}" value="{{value}}">
% end
  <button class="main">{{question.yes}}</button>
  <a class="button" href="{{back}}">{{say("operators.no")}}</a>
</form>
</div>
